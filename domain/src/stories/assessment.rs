//! What the stories of the assessment share: a scheme with one item of every kind of treatment, a calendar, parks.

use std::collections::BTreeSet;

use serde_json::json;

use super::{at, staff_id, uuid};
use crate::actor::{Actor, Role};
use crate::assessment_cycle::{AssessmentCycleEvent, Calendar, CohortPark, Plan, scheme_version};
use crate::assessment_scheme::Scheme;
use crate::id::{AssessmentCycleId, ParkId};
use crate::park::ParkKind;

/// Minutes of a day.
pub const DAY: i64 = 24 * 60;
/// When filing opens: Tuesday 2026-11-24 09:00 in Sanya.
pub const OPENS: i64 = DAY;
/// When filing closes: Sunday 2026-12-13 17:30.
pub const CLOSES: i64 = 20 * DAY + 510;
/// When late filing closes: Sunday 2026-12-20 17:30.
pub const ENDS: i64 = 27 * DAY + 510;

/// Assessment officer `n`.
pub fn assessor(n: u128) -> Actor {
    Actor::Staff { staff: staff_id(n), roles: BTreeSet::from([Role::Assessor]) }
}

/// Park `n`.
pub fn park(n: u128) -> ParkId {
    ParkId(uuid(0x300 + n))
}

/// The cycle of the stories.
pub fn cycle() -> AssessmentCycleId {
    AssessmentCycleId(uuid(0x600))
}

/// A scheme of 100 points: `A1 B1 C1 M1` are filed (a money amount with evidence, choices, a text that is marked),
/// `A2` is counted by the platform, `C4` judged by experts, `D3` handed in and judged, `E` a bonus, `F` a deduction,
/// `V` a veto.
pub fn scheme() -> Scheme {
    let item = |code: &str, kind: &str, source: &str, max: &str, rule: serde_json::Value| {
        json!({"code": code, "name": format!("指标 {code}"), "kind": kind, "source": source,
               "maxScore": max, "rule": rule})
    };
    let with = |mut item: serde_json::Value, field: &str, value: serde_json::Value| {
        item[field] = value;
        item
    };
    let services = json!([{"value": "customs", "label": "通关"}, {"value": "logistics", "label": "物流"},
                          {"value": "finance", "label": "金融"}]);
    let honours = json!([{"value": "national", "label": "国家级"}, {"value": "provincial", "label": "省级"}]);
    let experts = json!({"type": "expertMean", "minScores": 3});
    let body = json!({
        "dimensions": [
            {"code": "A", "name": "集聚", "items": [
                with(item("A1", "number", "filed", "30", json!({"type": "linear", "target": "40"})), "required", json!(true)),
                item("A2", "number", "platform", "10", json!({"type": "linear", "target": "12"})),
            ]},
            {"code": "B", "name": "规模", "items": [
                with(item("B1", "money", "filed", "20", json!({"type": "peerBest"})), "evidence", json!("required")),
            ]},
            {"code": "C", "name": "服务", "items": [
                with(item("C1", "multiChoice", "filed", "8", json!({"type": "countPoints", "each": "4", "cap": "8"})), "options", services),
                item("C4", "number", "expert", "10", experts.clone()),
                item("M1", "text", "filed", "10", json!({"type": "manual"})),
            ]},
            {"code": "D", "name": "规范", "items": [
                item("D3", "attachment", "expert", "12", experts),
            ]},
            {"code": "X", "name": "加减分", "items": [
                with(item("E", "choice", "filed", "5", json!({"type": "bonus", "points": {"national": "5", "provincial": "3"}})), "options", honours),
                item("F", "number", "authority", "5", json!({"type": "deduct", "each": "1"})),
                item("V", "boolean", "authority", "0", json!({"type": "veto"})),
            ]},
        ],
        "bonusCap": "10", "deductionCap": "10", "supplementDeduction": {"each": "1", "cap": "5"},
        "grades": [{"name": "成效明显", "min": "85"}, {"name": "成效较好", "min": "70"},
                   {"name": "成效初显", "min": "60"}, {"name": "尚在起步", "min": "0"}],
        "vetoGrade": "不合格", "tieBreak": ["A", "A1"],
    });
    serde_json::from_value(body).unwrap()
}

/// The calendar of the stories; five working days of publicity and of answers.
pub fn calendar() -> Calendar {
    Calendar {
        filing_opens_at: at(OPENS),
        filing_closes_at: at(CLOSES),
        supplement_closes_at: at(ENDS),
        publicity_days: 5,
        answer_days: 5,
    }
}

/// The plan of the stories: parks and bases of 2026.
pub fn plan() -> Plan {
    Plan {
        year: 2026,
        title: "2026年度园区（基地）考核".to_owned(),
        park_kinds: BTreeSet::from([ParkKind::Park, ParkKind::Base]),
        scheme: scheme(),
        calendar: calendar(),
    }
}

/// Parks 1 and 2 and base 3.
pub fn cohort() -> Vec<CohortPark> {
    [(1, ParkKind::Park), (2, ParkKind::Park), (3, ParkKind::Base)]
        .map(|(n, kind)| CohortPark { park: park(n), kind })
        .to_vec()
}

/// The cycle, drafted and opened with [`cohort`] at the beginning of the stories.
pub fn open_cycle() -> Vec<AssessmentCycleEvent> {
    vec![
        AssessmentCycleEvent::Drafted { cycle: cycle(), plan: Box::new(plan()) },
        AssessmentCycleEvent::Opened {
            scheme_version: scheme_version(&scheme()),
            cohort: cohort(),
            at: at(0),
        },
    ]
}
