//! The park's side: raise and withdraw; and the clock's.

use chrono::{DateTime, Utc};

use super::{
    Decided, NewObjection, Objection, ObjectionCommand, ObjectionError, ObjectionEvent, ObjectionState,
    ParkStanding, RaiseFacts, Raised, Target, is_known,
};
use crate::actor::Issued;
use crate::id::FileId;
use crate::refusal::FieldError;
use crate::text;

/// Shortest and longest reason, in characters (domain.md §1, M22).
const REASON_CHARS: std::ops::RangeInclusive<usize> = 10..=1000;
/// Longest expectation, in characters.
const EXPECTATION_CHARS_MAX: usize = 500;
/// Evidence files.
const ATTACHMENTS_MAX: usize = 5;

impl Objection {
    pub(super) fn raise(
        &self,
        new: &NewObjection,
        facts: &RaiseFacts,
        issued: &Issued<ObjectionCommand>,
    ) -> Decided {
        let by = issued.by.account().filter(|_| facts.park.is_member && facts.is_ranked);
        let by = by.ok_or(ObjectionError::NotFound)?;
        if facts.park.is_suspended {
            return Err(ObjectionError::Suspended);
        }
        let checked = checked(new, facts);
        if let Some(known) = &self.raised {
            let is_repeat = checked.is_ok_and(|(reason, expectation, attachments)| {
                (known.cycle, known.park, &known.target, known.category, &known.reason)
                    == (new.cycle, new.park, &new.target, new.category, &reason)
                    && known.expectation == expectation
                    && known.attachments == attachments
            });
            return if is_repeat { Ok(vec![]) } else { Err(ObjectionError::AlreadyRaised) };
        }
        let version = match facts.publicity {
            Some((version, until)) if issued.at < until => version,
            Some((_, until)) => return Err(ObjectionError::WindowClosed(until)),
            None => return Err(ObjectionError::NotPublicized),
        };
        let (reason, expectation, attachments) = checked.map_err(ObjectionError::Invalid)?;
        Ok(vec![ObjectionEvent::Raised(Box::new(Raised {
            cycle: new.cycle,
            park: new.park,
            version,
            target: new.target.clone(),
            category: new.category,
            reason,
            expectation,
            attachments,
            by,
            at: issued.at,
            due_at: facts.working_days.after(issued.at, facts.answer_days),
        }))])
    }

    pub(super) fn withdraw(&self, park: ParkStanding) -> Decided {
        self.found()?;
        if !park.is_member {
            return Err(ObjectionError::NotFound);
        }
        if park.is_suspended {
            return Err(ObjectionError::Suspended);
        }
        match self.state {
            ObjectionState::Raised => Ok(vec![ObjectionEvent::Withdrawn {}]),
            ObjectionState::Withdrawn => Ok(vec![]),
            ObjectionState::None | ObjectionState::Accepted | ObjectionState::Rejected => {
                Err(ObjectionError::NotOpen(self.state))
            }
        }
    }

    pub(super) fn mark_overdue(&self, at: DateTime<Utc>) -> Decided {
        let raised = self.found()?;
        if self.state != ObjectionState::Raised || self.overdue {
            return Ok(vec![]);
        }
        if at < raised.due_at { Err(ObjectionError::NotDue) } else { Ok(vec![ObjectionEvent::Overdue {}]) }
    }
}

type Texts = (String, Option<String>, Vec<FileId>);

/// Clean texts and files, or everything that is wrong.
fn checked(new: &NewObjection, facts: &RaiseFacts) -> Result<Texts, Vec<FieldError>> {
    let mut errors = Vec::new();
    if let Target::Item { code } = &new.target
        && !is_known(&new.target, &facts.scheme)
    {
        let detail = format!("没有找到指标 {code}");
        errors.push(FieldError::new("/target/code", "objection.unknown_item", detail));
    }
    let reason =
        text::lines("/reason", &new.reason, REASON_CHARS).map_err(|e| errors.push(e)).unwrap_or_default();
    let expectation = match new.expectation.as_deref().filter(|raw| !text::is_blank(raw)) {
        Some(raw) => text::lines("/expectation", raw, 1..=EXPECTATION_CHARS_MAX)
            .map_err(|error| errors.push(error))
            .ok(),
        None => None,
    };
    let mut attachments: Vec<FileId> = Vec::new();
    for (index, file) in new.attachments.iter().enumerate() {
        if !facts.files.contains(file) {
            let detail = "没有找到该文件，请重新上传";
            errors.push(FieldError::new(format!("/attachments/{index}"), "file.not_found", detail));
        } else if !attachments.contains(file) {
            attachments.push(*file);
        }
    }
    if attachments.len() > ATTACHMENTS_MAX {
        let detail = format!("附件不超过 {ATTACHMENTS_MAX} 个");
        errors.push(FieldError::new("/attachments", "objection.too_many_attachments", detail));
    }
    if errors.is_empty() { Ok((reason, expectation, attachments)) } else { Err(errors) }
}
