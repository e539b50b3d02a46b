//! What the assessment's events say.

use domain::assessment_cycle::AssessmentCycleEvent;
use domain::assessment_submission::{AssessmentSubmissionEvent, FilingKind};
use domain::calendar::wall_clock;
use domain::objection::ObjectionEvent;
use domain::ranking::RankingEvent;

pub(super) fn cycle(event: &AssessmentCycleEvent) -> String {
    match event {
        AssessmentCycleEvent::Drafted { plan, .. } => format!("创建考核周期“{}”", plan.title),
        AssessmentCycleEvent::Revised { .. } => "修改考核方案".to_owned(),
        AssessmentCycleEvent::Opened { cohort, .. } => {
            format!("开启考核，{} 个园区/基地参加", cohort.len())
        }
        AssessmentCycleEvent::ParkAdded { .. } => "加入一个园区/基地".to_owned(),
        AssessmentCycleEvent::Extended { parks, until, reason, .. } => {
            format!("为 {} 个园区/基地延期至 {}：{reason}", parks.len(), wall_clock(*until))
        }
        AssessmentCycleEvent::Cancelled { reason } => format!("取消考核：{reason}"),
        AssessmentCycleEvent::FilingOpened {} => "填报开始".to_owned(),
        AssessmentCycleEvent::FilingReminderDue { days: 0, .. } => "填报今日截止，催报".to_owned(),
        AssessmentCycleEvent::FilingReminderDue { days, .. } => format!("距填报截止还有 {days} 天，催报"),
        AssessmentCycleEvent::FilingClosed { .. } => "填报截止".to_owned(),
        AssessmentCycleEvent::SupplementClosed { .. } => "补填截止".to_owned(),
    }
}

pub(super) fn submission(event: &AssessmentSubmissionEvent) -> String {
    match event {
        AssessmentSubmissionEvent::Begun { .. } => "开始填报".to_owned(),
        AssessmentSubmissionEvent::Drafted { items, .. } => {
            format!("保存 {}", codes(items.iter().map(|item| item.code.as_str())))
        }
        AssessmentSubmissionEvent::Filed { kind, items, reason, .. } => {
            let codes = codes(items.iter().map(|item| item.code.as_str()));
            match (kind, reason) {
                (FilingKind::Initial, _) => format!("填报 {codes}"),
                (FilingKind::Supplementary, Some(reason)) => format!("补填 {codes}：{reason}"),
                (FilingKind::Supplementary, None) => format!("补填 {codes}"),
            }
        }
        AssessmentSubmissionEvent::ItemClaimed { code, .. } => format!("领取指标 {code}"),
        AssessmentSubmissionEvent::ItemReleased { code } => format!("放弃领取指标 {code}"),
        AssessmentSubmissionEvent::ItemVerified { code, reason: Some(reason), .. } => {
            format!("核验指标 {code}，采信值与填报值不同：{reason}")
        }
        AssessmentSubmissionEvent::ItemVerified { code, reason: None, .. } => format!("核验指标 {code}"),
        AssessmentSubmissionEvent::ItemScored { code, .. } => format!("为指标 {code} 评分"),
        AssessmentSubmissionEvent::ItemRecused { code, reason, .. } => {
            format!("回避指标 {code}：{reason}")
        }
        AssessmentSubmissionEvent::ItemReturned { code, revision, reason, .. } => {
            format!("退回指标 {code} 第 {revision} 次填报：{reason}")
        }
        AssessmentSubmissionEvent::ItemsOverdue { codes: overdue } => {
            format!("逾期未填 {}", codes(overdue.iter().map(String::as_str)))
        }
        AssessmentSubmissionEvent::ItemsAdjusted { items, .. } => {
            format!("按采纳的异议调整 {}", codes(items.iter().map(|item| item.code.as_str())))
        }
        AssessmentSubmissionEvent::Locked {} => "锁定考核数据".to_owned(),
    }
}

pub(super) fn ranking(event: &RankingEvent) -> String {
    match event {
        RankingEvent::Computed { run, standings, .. } => {
            format!("第 {run} 次计算排名，{} 个园区/基地", standings.rows.len())
        }
        RankingEvent::Publicized { version, until, .. } => {
            format!("公示排名第 {version} 版，至 {}", wall_clock(*until))
        }
        RankingEvent::Republished { version, .. } => format!("因采纳异议公示排名第 {version} 版"),
        RankingEvent::PublicityEnded {} => "公示结束".to_owned(),
        RankingEvent::Finalized { version, .. } => format!("排名第 {version} 版定为终稿"),
    }
}

pub(super) fn objection(event: &ObjectionEvent) -> String {
    match event {
        ObjectionEvent::Raised(raised) => {
            format!("对排名第 {} 版提出异议（{}）", raised.version, raised.category.label())
        }
        ObjectionEvent::Withdrawn {} => "撤回异议".to_owned(),
        ObjectionEvent::Claimed { .. } => "领取异议".to_owned(),
        ObjectionEvent::Released {} => "放弃领取异议".to_owned(),
        ObjectionEvent::Accepted { adjustments, .. } => {
            format!("采纳异议，调整 {} 项", adjustments.len())
        }
        ObjectionEvent::Rejected { .. } => "不予采纳异议".to_owned(),
        ObjectionEvent::Overdue {} => "异议逾期未答复".to_owned(),
    }
}

/// At most five codes by name, the rest by number: a whole import is one event.
fn codes<'a>(all: impl ExactSizeIterator<Item = &'a str>) -> String {
    const NAMED: usize = 5;
    let count = all.len();
    let named: Vec<&str> = all.take(NAMED).collect();
    let more = if count > NAMED { format!(" 等 {count} 项") } else { String::new() };
    format!("指标 {}{more}", named.join("、"))
}
