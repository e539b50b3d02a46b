//! What the aggregates' tests share: people, instants, profiles, and given / when / then.
//!
//! Instants are minutes after [`START`]; nothing here reads a clock or mints an id.

use std::collections::BTreeSet;
use std::fmt::Debug;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use cqrs_es::Aggregate;
use cqrs_es::test::TestFramework;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::actor::{Actor, Issued, Role};
use crate::aggregate::{ClaimChange, Decide};
use crate::id::{AccountId, ParkId, StaffId};
use crate::managed_enterprise::{EnterpriseInput, ManagedEnterpriseProfile};
use crate::news_article::{News, NewsInput};
use crate::personal::{Personal, Sealed};
use crate::profile::{Profile, ProfileInput};
use crate::refusal::{FieldError, Refusal};
use crate::settlement_application::{Settlement, SettlementInput};

pub mod assessment;

/// When every story begins: 2026-11-23 09:00 in Sanya.
const START: &str = "2026-11-23T01:00:00Z";

/// An id, the same in every run.
pub fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 + n)
}

/// `minutes` after the beginning.
pub fn at(minutes: i64) -> DateTime<Utc> {
    START.parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
}

/// Account `n` of a person.
pub fn account(n: u128) -> AccountId {
    AccountId(uuid(0x100 + n))
}

/// Person `n`, without a park.
pub fn person(n: u128) -> Actor {
    Actor::Person { account: account(n), parks: Vec::new() }
}

/// Person `n`, who belongs to some park: what the read model said, which no command may trust.
pub fn park_person(n: u128) -> Actor {
    Actor::Person { account: account(n), parks: vec![ParkId(uuid(0x300))] }
}

/// Staff account `n`.
pub fn staff_id(n: u128) -> StaffId {
    StaffId(uuid(0x200 + n))
}

/// Reviewer `n`.
pub fn reviewer(n: u128) -> Actor {
    Actor::Staff { staff: staff_id(n), roles: BTreeSet::from([Role::Reviewer]) }
}

/// Content editor `n`.
pub fn editor(n: u128) -> Actor {
    Actor::Staff { staff: staff_id(n), roles: BTreeSet::from([Role::Editor]) }
}

/// A process of zsq.
pub const PROCESS: Actor = Actor::Process("park_established");

/// A profile with every field; the contact belongs to person 1.
pub fn profile() -> Profile {
    profile_with("address", "三亚市崖州区深海路 1 号")
}

/// The full profile with one field replaced.
pub fn profile_with(field: &str, value: impl Into<Value>) -> Profile {
    let mut body = json!({
        "name": "崖州湾跨境电商产业园",
        "operatorName": "三亚崖州园区运营有限公司",
        "operatorCreditCode": "91460200MA5TPK0116",
        "level": "provincial",
        "district": "460205",
        "address": "三亚市崖州区深海路 1 号",
        "longitude": "109.1723",
        "latitude": "18.3552",
        "totalAreaSqm": "48000.5",
        "rentableAreaSqm": "36000",
        "usedAreaSqm": "31200",
        "openedOn": "2021-06-01",
        "positioning": "南繁种业与海洋装备出口",
        "services": ["customs", "overseasWarehouse"],
        "facilities": ["bonded", "liveStreaming"],
        "policy": "首年免租",
        "contactName": "陈海",
        "contactPhone": "13800000000",
        "contactPublic": true,
        "introduction": "第一段\n第二段",
        "images": ["01920000-0000-7000-8000-00000000000a"],
        "certificates": ["01920000-0000-7000-8000-00000000000b"],
    });
    body[field] = value.into();
    serde_json::from_value::<ProfileInput>(body).unwrap().parse(account(1).0).unwrap()
}

/// An article with every field.
pub fn news() -> News {
    news_with("title", "崖州湾园区举办跨境电商培训")
}

/// The full article with one field replaced.
pub fn news_with(field: &str, value: impl Into<Value>) -> News {
    let mut body = json!({
        "title": "崖州湾园区举办跨境电商培训",
        "column": "updates",
        "source": "崖州湾园区",
        "reprintUrl": "https://news.example/2026/1",
        "cover": "01920000-0000-7000-8000-00000000000c",
        "body": "<p>十一月二十日，<strong>六十家</strong>企业参加了培训。</p>",
        "attachments": ["01920000-0000-7000-8000-00000000000d"],
        "expiresOn": "2027-11-23",
    });
    body[field] = value.into();
    serde_json::from_value::<NewsInput>(body).unwrap().parse().unwrap()
}

/// An application to settle with every field; the contact belongs to person 1.
pub fn settlement() -> Settlement {
    let body = json!({
        "applicantType": "enterprise",
        "enterpriseName": "三亚示例贸易有限公司",
        "creditCode": "91460200MA5TPK02XX",
        "contactName": "王小明",
        "contactPhone": "13900139000",
        "industry": "互联网零售",
        "businessModel": "保税进口",
        "areaSqm": "300.5",
        "expectedOn": "2027-03-01",
        "expectedTurnoverWan": "1200",
        "needs": "需要仓储\n希望免租",
        "attachments": ["01920000-0000-7000-8000-00000000000e"],
        "consentToShareContact": true,
    });
    serde_json::from_value::<SettlementInput>(body).unwrap().parse(account(1).0).unwrap()
}

/// An enterprise of a roster with every field; its persons are the subject `uuid(0x700)`, the enterprise itself.
pub fn enterprise() -> ManagedEnterpriseProfile {
    enterprise_with("status", "resident")
}

/// The full enterprise with one field replaced.
pub fn enterprise_with(field: &str, value: impl Into<Value>) -> ManagedEnterpriseProfile {
    let mut body = json!({
        "name": "三亚示例跨境电商有限公司",
        "creditCode": "91460200MA5TPK038X",
        "settledOn": "2024-06-01",
        "status": "resident",
        "category": "seller",
        "products": "母婴用品",
        "regimes": ["9610", "1210"],
        "legalRepresentative": "陈海",
        "contactName": "王小明",
        "contactPhone": "13800138000",
        "officeAreaSqm": "120.5",
        "employees": "36",
        "lastYearTurnoverWan": "1200",
        "aboveScale": true,
        "remark": "重点企业",
    });
    body[field] = value.into();
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    serde_json::from_value::<EnterpriseInput>(body).unwrap().parse(uuid(0x700), today).unwrap()
}

/// `value` as the event store writes it.
pub fn sealed<T>(subject: Uuid, place: &str) -> Personal<T> {
    Personal::Sealed(Sealed {
        subject,
        place: place.to_owned(),
        nonce: "AAAAAAAAAAAAAAAA".to_owned(),
        ciphertext: "c2VhbGVkIGZvciB0aGUgdGVzdA==".to_owned(),
    })
}

/// `by` issues `command`, `minutes` after the beginning.
pub fn issued<C>(by: &Actor, minutes: i64, command: C) -> Issued<C> {
    Issued { by: by.clone(), at: at(minutes), command }
}

/// What `command` causes after `history`, through the framework as a command really runs.
///
/// On the way: the pure decision says the same as the framework's `handle`, and deciding changed nothing.
pub fn when<A>(history: &[A::Event], command: Issued<A::Intent>) -> Result<Vec<A::Event>, A::Error>
where
    A: Decide + Clone + PartialEq + Debug,
    A::Error: Refusal + PartialEq,
{
    let state = fold::<A>(history);
    let before = state.clone();
    let decided = state.decide(&command);
    assert_eq!(state, before, "deciding changed the state");
    let handled = TestFramework::<A>::with(()).given(history.to_vec()).when(command).inspect_result();
    assert_eq!(handled, decided);
    handled
}

/// The state after `history`.
pub fn fold<A: Aggregate>(history: &[A::Event]) -> A {
    let mut state = A::default();
    for event in history {
        state.apply(event.clone());
    }
    state
}

/// The claims of the last of `events`, which come after `history`.
pub fn claims_of<A: Decide>(history: &[A::Event], event: &A::Event) -> Vec<ClaimChange>
where
    A::Error: Refusal,
{
    fold::<A>(history).claims(event)
}

/// `pointer code` of every wrong field of a refusal.
pub fn wrong(refusal: &impl Refusal) -> Vec<String> {
    refusal.fields().iter().map(|FieldError { pointer, code, .. }| format!("{pointer} {code}")).collect()
}

/// A state is kept as a snapshot and served to auditors: it must survive JSON, without a null or a float in it.
pub fn assert_round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let json = serde_json::to_value(value).unwrap();
    assert_plain(&json);
    assert_eq!(&serde_json::from_value::<T>(json).unwrap(), value);
}

/// Neither null nor float anywhere in `json`: absent is absent, and decimals are strings.
pub fn assert_plain(json: &Value) {
    match json {
        Value::Null => panic!("null in JSON that is stored"),
        Value::Number(number) => {
            assert!(number.is_i64() || number.is_u64(), "float {number} in JSON that is stored");
        }
        Value::Array(items) => items.iter().for_each(assert_plain),
        Value::Object(fields) => fields.values().for_each(assert_plain),
        Value::Bool(_) | Value::String(_) => {}
    }
}
