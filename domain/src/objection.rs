//! A park's objection to a published ranking (异议), to its total or to one item.
//!
//! ```text
//! (none) ─raise→ Raised ─withdraw→ Withdrawn
//!                  │ ├─accept→ Accepted   (the ranking is republished with the adjustments)
//!                  │ └─reject→ Rejected
//!                  └─ mark overdue↺
//! ```
//! Always: raised only inside the publicity, by a member of a ranked park, one open per park and target
//! ([`OPEN_SCOPE`]); answered, with words, by somebody who judged none of the items it is about or that it changes,
//! and once claimed by its claimer alone; what is decided never changes.
//! Deliberately not here: what the adjustments do to other parks; that is computed before, as a preview, and after, as the
//! next version of [`crate::ranking`].

use std::sync::Arc;

use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};

use crate::actor::Issued;
use crate::aggregate::{Claim, ClaimChange, ClaimKey, Decide, decide_into};
use crate::assessment_scheme::Scheme;
use crate::id::{AccountId, AssessmentCycleId, FileId, ParkId, StaffId};
use crate::review::{CLAIM_LAPSES_AFTER, Holder};

mod adjustment;
mod answering;
mod command;
mod error;
mod event;
mod raising;
pub use adjustment::{Adjustment, AdjustmentInput, parse_adjustments};
pub use command::{AnswerFacts, NewObjection, ObjectionCommand, ParkStanding, RaiseFacts};
pub use error::ObjectionError;
pub use event::ObjectionEvent;
#[cfg(test)]
mod tests;

/// Claims of open objections: one per cycle, park and target.
pub const OPEN_SCOPE: &str = "objection.open";

/// What an objection is to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Target {
    /// 总分
    Total,
    /// 指标
    Item {
        /// Its code.
        code: String,
    },
}

/// What kind of mistake the park sees.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Category {
    /// 数据有误
    Data,
    /// 评分有误
    Score,
    /// 规则适用
    Rule,
    /// 其他
    Other,
}

impl Category {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Data => "数据有误",
            Self::Score => "评分有误",
            Self::Rule => "规则适用",
            Self::Other => "其他",
        }
    }
}

/// Where an objection stands.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum ObjectionState {
    /// There is none.
    #[default]
    None,
    /// 待处理
    Raised,
    /// 已撤回
    Withdrawn,
    /// 已采纳
    Accepted,
    /// 未采纳
    Rejected,
}

impl ObjectionState {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::None => "不存在",
            Self::Raised => "待处理",
            Self::Withdrawn => "已撤回",
            Self::Accepted => "已采纳",
            Self::Rejected => "未采纳",
        }
    }
}

/// What was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Raised {
    /// The cycle.
    pub cycle: AssessmentCycleId,
    /// Who objects.
    pub park: ParkId,
    /// The version of the ranking it is about.
    pub version: u32,
    /// What to.
    pub target: Target,
    /// What kind of mistake.
    pub category: Category,
    /// Why.
    pub reason: String,
    /// What the park expects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expectation: Option<String>,
    /// Evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<FileId>,
    /// By whom.
    pub by: AccountId,
    /// When.
    pub at: DateTime<Utc>,
    /// When the answer is due.
    pub due_at: DateTime<Utc>,
}

/// How it was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What the park is told.
    pub answer: String,
    /// What changes; empty when it was rejected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<Adjustment>,
    /// By whom.
    pub by: StaffId,
    /// When.
    pub at: DateTime<Utc>,
}

/// The state of an objection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Objection {
    /// What was raised; nothing before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised: Option<Box<Raised>>,
    /// Where it stands.
    pub state: ObjectionState,
    /// It was not answered in time.
    pub overdue: bool,
    /// Who handles it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// How it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

type Decided = Result<Vec<ObjectionEvent>, ObjectionError>;

impl Objection {
    /// Who handles it at `at`.
    pub fn held_at(&self, at: DateTime<Utc>) -> Option<Holder> {
        self.holder.filter(|holder| at < holder.since + CLAIM_LAPSES_AFTER)
    }

    fn found(&self) -> Result<&Raised, ObjectionError> {
        self.raised.as_deref().ok_or(ObjectionError::NotFound)
    }
}

fn open_claim(cycle: AssessmentCycleId, park: ParkId, target: &Target) -> Claim {
    let target = match target {
        Target::Total => "total".to_owned(),
        Target::Item { code } => format!("item/{code}"),
    };
    Claim { scope: OPEN_SCOPE, key: ClaimKey::Plain(format!("{cycle}/{park}/{target}")) }
}

/// Whether `scheme` has what `target` names.
fn is_known(target: &Target, scheme: &Arc<Scheme>) -> bool {
    match target {
        Target::Total => true,
        Target::Item { code } => scheme.item(code).is_some(),
    }
}

impl Decide for Objection {
    type Intent = ObjectionCommand;

    fn decide(&self, issued: &Issued<Self::Intent>) -> Result<Vec<Self::Event>, Self::Error> {
        match &issued.command {
            ObjectionCommand::Raise { new, facts } => self.raise(new, facts, issued),
            ObjectionCommand::Withdraw { park } => self.withdraw(*park),
            ObjectionCommand::Claim { facts } => self.claim(facts, issued),
            ObjectionCommand::Release => self.release(issued),
            ObjectionCommand::Accept { answer, adjustments, facts } => {
                self.accept(answer, adjustments, facts, issued)
            }
            ObjectionCommand::Reject { answer, facts } => self.reject(answer, facts, issued),
            ObjectionCommand::MarkOverdue => self.mark_overdue(issued.at),
        }
    }

    fn claims(&self, event: &Self::Event) -> Vec<ClaimChange> {
        let raised = self.raised.as_deref();
        let held = || raised.map(|raised| open_claim(raised.cycle, raised.park, &raised.target));
        match event {
            ObjectionEvent::Raised(raised) => {
                vec![ClaimChange::Take(open_claim(raised.cycle, raised.park, &raised.target))]
            }
            ObjectionEvent::Withdrawn {}
            | ObjectionEvent::Accepted { .. }
            | ObjectionEvent::Rejected { .. } => held().map(ClaimChange::Release).into_iter().collect(),
            ObjectionEvent::Claimed { .. } | ObjectionEvent::Released {} | ObjectionEvent::Overdue {} => {
                vec![]
            }
        }
    }

    fn taken(_scope: &str) -> Self::Error {
        ObjectionError::AlreadyOpen
    }
}

impl Aggregate for Objection {
    const TYPE: &'static str = "Objection";
    type Command = Issued<ObjectionCommand>;
    type Event = ObjectionEvent;
    type Error = ObjectionError;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        decide_into(self, &command, sink).await
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            ObjectionEvent::Raised(raised) => {
                self.state = ObjectionState::Raised;
                self.raised = Some(raised);
            }
            ObjectionEvent::Withdrawn {} => self.close(ObjectionState::Withdrawn, None),
            ObjectionEvent::Claimed { by, since } => self.holder = Some(Holder { reviewer: by, since }),
            ObjectionEvent::Released {} => self.holder = None,
            ObjectionEvent::Accepted { answer, adjustments, by, at } => {
                self.close(ObjectionState::Accepted, Some(Answer { answer, adjustments, by, at }));
            }
            ObjectionEvent::Rejected { answer, by, at } => {
                let answer = Answer { answer, adjustments: Vec::new(), by, at };
                self.close(ObjectionState::Rejected, Some(answer));
            }
            ObjectionEvent::Overdue {} => self.overdue = true,
        }
    }
}

impl Objection {
    fn close(&mut self, state: ObjectionState, answer: Option<Answer>) {
        self.state = state;
        self.holder = None;
        self.answer = answer;
    }
}
