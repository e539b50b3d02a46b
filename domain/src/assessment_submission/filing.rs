//! The park's side: drafts, 填报 and 补填.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rust_decimal::{Decimal, RoundingStrategy};

use super::event::{DraftedItem, FiledItem};
use super::item::{Button, Entry, FilingKind, ItemState, ItemStatus, Swing, button};
use super::{
    AssessmentSubmission, AssessmentSubmissionCommand, AssessmentSubmissionError, AssessmentSubmissionEvent,
    CycleFacts, DraftInput, ParkFacts, is_expected, is_filed_by_park,
};
use crate::actor::Issued;
use crate::assessment_cycle::Window;
use crate::assessment_scheme::{Item, ItemKind, Value};
use crate::id::{AccountId, FileId};
use crate::refusal::FieldError;
use crate::text;

/// Shortest and longest reason of a supplement, in characters (domain.md §1, M17).
const REASON_CHARS: std::ops::RangeInclusive<usize> = 10..=500;
/// A change against last year that is worth a second look, in percent (domain.md §1, M16).
const SWING_PERCENT: Decimal = Decimal::from_parts(50, 0, 0, false, 0);

pub(super) type Decided = Result<Vec<AssessmentSubmissionEvent>, AssessmentSubmissionError>;
type Issue = Issued<AssessmentSubmissionCommand>;

impl AssessmentSubmission {
    pub(super) fn save_drafts(
        &self,
        facts: &CycleFacts,
        park: &ParkFacts,
        drafts: &[DraftInput],
        issued: &Issue,
    ) -> Decided {
        let by = self.writer(facts, park, issued)?;
        let mut errors = Vec::new();
        let mut items = Vec::new();
        for input in drafts {
            let item = facts.item(&input.code)?;
            if self.button_of(item, facts, issued.at)? == Button::None {
                return Err(self.closed(item, facts, issued.at));
            }
            match parse_draft(item, input, park) {
                Ok(entry) if self.already_says(&input.code, &entry) => {}
                Ok(Entry { value, attachments }) => {
                    items.push(DraftedItem { code: input.code.clone(), value, attachments });
                }
                Err(wrong) => {
                    errors.extend(wrong.into_iter().map(|error| error.under(&input.pointer)));
                }
            }
        }
        if !errors.is_empty() {
            return Err(AssessmentSubmissionError::Invalid(errors));
        }
        Ok(if items.is_empty() { vec![] } else { vec![AssessmentSubmissionEvent::Drafted { items, by }] })
    }

    pub(super) fn submit(
        &self,
        facts: &CycleFacts,
        park: &ParkFacts,
        codes: Option<&[String]>,
        issued: &Issue,
    ) -> Decided {
        let by = self.writer(facts, park, issued)?;
        let asked = match codes {
            Some(codes) => once_each(codes),
            None => self.drafted_to_file(facts, issued.at)?,
        };
        let mut filing = Filing::default();
        for (pointer, code) in asked {
            let item = facts.item(&code)?;
            let state = self.items.get(&code);
            let shown = self.button_of(item, facts, issued.at)?;
            if is_filed_as_asked(state) {
                continue;
            }
            match shown {
                Button::File => filing.take(&pointer, item, state, park),
                Button::Supplement if state.is_some_and(|state| state.returned.is_some()) => {
                    return Err(AssessmentSubmissionError::NeedsSupplement(code));
                }
                Button::Supplement | Button::None => return Err(self.closed(item, facts, issued.at)),
            }
        }
        filing.event(FilingKind::Initial, false, None, by, issued.at)
    }

    pub(super) fn supplement(
        &self,
        facts: &CycleFacts,
        park: &ParkFacts,
        codes: &[String],
        reason: &str,
        issued: &Issue,
    ) -> Decided {
        let by = self.writer(facts, park, issued)?;
        let mut filing = Filing::default();
        if codes.is_empty() {
            let detail = "请选择要补填的指标";
            filing.errors.push(FieldError::new("/items", "assessment_submission.nothing_chosen", detail));
        }
        let reason = text::lines("/reason", reason, REASON_CHARS)
            .map_err(|error| filing.errors.push(error))
            .unwrap_or_default();
        for (pointer, code) in once_each(codes) {
            let item = facts.item(&code)?;
            let state = self.items.get(&code);
            let shown = self.button_of(item, facts, issued.at)?;
            if is_filed_as_asked(state) && state.is_some_and(|state| state.supplemented) {
                continue;
            }
            match shown {
                Button::Supplement => filing.take(&pointer, item, state, park),
                Button::File => return Err(AssessmentSubmissionError::NotToSupplement(code)),
                Button::None => return Err(self.closed(item, facts, issued.at)),
            }
        }
        let late = facts.window(issued.at) != Window::Filing;
        filing.event(FilingKind::Supplementary, late, Some(reason), by, issued.at)
    }

    pub(super) fn mark_overdue(&self, facts: &CycleFacts, at: DateTime<Utc>) -> Decided {
        facts.check_open()?;
        if self.locked {
            return Ok(vec![]);
        }
        match facts.window(at) {
            Window::Upcoming | Window::Filing => return Err(AssessmentSubmissionError::NotDue),
            Window::Supplement | Window::Closed => {}
        }
        let is_new = |item: &&Item| {
            self.items.get(&item.code).is_none_or(|state| state.filed.is_none() && !state.overdue)
        };
        let codes: Vec<String> = facts
            .scheme
            .items()
            .filter(|item| is_expected(item))
            .filter(is_new)
            .map(|item| item.code.clone())
            .collect();
        Ok(if codes.is_empty() { vec![] } else { vec![AssessmentSubmissionEvent::ItemsOverdue { codes }] })
    }

    /// The member who writes, if the park may write anything at all.
    fn writer(
        &self,
        facts: &CycleFacts,
        park: &ParkFacts,
        issued: &Issue,
    ) -> Result<AccountId, AssessmentSubmissionError> {
        let account = issued.by.account().filter(|_| park.is_member);
        let account = account.ok_or(AssessmentSubmissionError::NotFound)?;
        facts.check_open()?;
        if park.is_suspended {
            return Err(AssessmentSubmissionError::Suspended);
        }
        if self.locked || facts.publicized {
            return Err(AssessmentSubmissionError::Locked);
        }
        match (facts.window(issued.at), facts.deadlines) {
            (Window::Upcoming, Some(deadlines)) => {
                Err(AssessmentSubmissionError::NotOpenYet(deadlines.filing_opens_at))
            }
            _ => Ok(account),
        }
    }

    fn button_of(
        &self,
        item: &Item,
        facts: &CycleFacts,
        at: DateTime<Utc>,
    ) -> Result<Button, AssessmentSubmissionError> {
        if !is_filed_by_park(item) {
            return Err(AssessmentSubmissionError::NotFiledByPark(item.code.clone()));
        }
        Ok(button(facts.window(at), self.status(&item.code, facts.publicized)))
    }

    /// Why an item cannot be filed now: because of the clock, or because of what became of it.
    fn closed(&self, item: &Item, facts: &CycleFacts, at: DateTime<Utc>) -> AssessmentSubmissionError {
        let status = self.status(&item.code, facts.publicized);
        let judged = matches!(status, ItemStatus::Verified | ItemStatus::Locked);
        match facts.deadlines {
            Some(deadlines) if !judged => {
                let never_filed = self.items.get(&item.code).is_none_or(|state| state.filed.is_none());
                let may_supplement = never_filed && facts.window(at) == Window::Supplement;
                AssessmentSubmissionError::WindowClosed {
                    closed_at: deadlines.filing_closes_at,
                    supplement_until: may_supplement.then_some(deadlines.supplement_closes_at),
                }
            }
            Some(_) | None => AssessmentSubmissionError::ItemClosed { code: item.code.clone(), status },
        }
    }

    /// All items with changes that can be filed now.
    fn drafted_to_file(
        &self,
        facts: &CycleFacts,
        at: DateTime<Utc>,
    ) -> Result<Vec<(String, String)>, AssessmentSubmissionError> {
        if let (Window::Supplement | Window::Closed, Some(deadlines)) = (facts.window(at), facts.deadlines) {
            let open = facts.window(at) == Window::Supplement;
            return Err(AssessmentSubmissionError::WindowClosed {
                closed_at: deadlines.filing_closes_at,
                supplement_until: open.then_some(deadlines.supplement_closes_at),
            });
        }
        let mut asked = Vec::new();
        for item in facts.scheme.items().filter(|item| is_filed_by_park(item)) {
            let changed = self.items.get(&item.code).is_some_and(ItemState::has_changes);
            if changed && self.button_of(item, facts, at)? == Button::File {
                asked.push((format!("/items/{}", item.code), item.code.clone()));
            }
        }
        let nothing_ever = !self.items.values().any(|state| state.filed.is_some());
        if asked.is_empty() && nothing_ever {
            return Err(AssessmentSubmissionError::NothingDrafted);
        }
        Ok(asked)
    }

    /// Whether saving `entry` would change nothing.
    fn already_says(&self, code: &str, entry: &Entry) -> bool {
        let Some(state) = self.items.get(code) else { return false };
        match (&state.draft, &state.filed) {
            (Some(draft), _) => draft == entry,
            (None, Some(filed)) => filed.entry == *entry && state.returned.is_none(),
            (None, None) => false,
        }
    }
}

/// Codes with their pointers, each once.
fn once_each(codes: &[String]) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    codes
        .iter()
        .enumerate()
        .filter(|(_, code)| seen.insert(*code))
        .map(|(index, code)| (format!("/items/{index}"), code.clone()))
        .collect()
}

/// Whether an item is filed and nothing new is drafted for it: asking again changes nothing.
fn is_filed_as_asked(state: Option<&ItemState>) -> bool {
    state.is_some_and(|state| state.filed.is_some() && state.returned.is_none() && !state.has_changes())
}

/// What is about to be filed together, and everything that is wrong with it.
#[derive(Default)]
struct Filing {
    items: Vec<FiledItem>,
    errors: Vec<FieldError>,
}

impl Filing {
    fn take(&mut self, pointer: &str, item: &Item, state: Option<&ItemState>, park: &ParkFacts) {
        let filed = state.and_then(|state| state.filed.as_ref());
        let draft = state.and_then(|state| state.draft.as_ref());
        let Some(entry) = draft.or(filed.map(|filed| &filed.entry)) else {
            let detail = format!("指标 {} {} 尚未填写", item.code, item.name);
            self.errors.push(FieldError::new(pointer, "assessment_submission.nothing_drafted", detail));
            return;
        };
        if let Some(error) = item.check_evidence(entry.attachments.len()) {
            self.errors.push(error.under(pointer));
            return;
        }
        self.items.push(FiledItem {
            code: item.code.clone(),
            revision: filed.map_or(0, |filed| filed.revision) + 1,
            value: entry.value.clone(),
            attachments: entry.attachments.clone(),
            unchanged: filed.is_some_and(|filed| filed.entry == *entry),
            swing: park.previous.get(&item.code).and_then(|previous| swing(item, previous, &entry.value)),
        });
    }

    fn event(
        self,
        kind: FilingKind,
        late: bool,
        reason: Option<String>,
        by: AccountId,
        at: DateTime<Utc>,
    ) -> Decided {
        if !self.errors.is_empty() {
            return Err(AssessmentSubmissionError::Invalid(self.errors));
        }
        if self.items.is_empty() {
            return Ok(vec![]);
        }
        Ok(vec![AssessmentSubmissionEvent::Filed { kind, late, reason, items: self.items, by, at }])
    }
}

fn parse_draft(item: &Item, input: &DraftInput, park: &ParkFacts) -> Result<Entry, Vec<FieldError>> {
    let mut errors = Vec::new();
    let value = item
        .parse(&input.value)
        .map_err(|wrong| errors.extend(wrong.into_iter().map(|error| error.under("/value"))))
        .ok();
    if let (ItemKind::Attachment, Some(Value::List(files))) = (item.kind, &value) {
        for (index, file) in files.iter().enumerate() {
            if !file.parse().is_ok_and(|file| park.files.contains(&file)) {
                errors.push(no_such_file(format!("/value/{index}")));
            }
        }
    }
    let mut attachments: Vec<FileId> = Vec::new();
    for (index, file) in input.attachments.iter().enumerate() {
        if !park.files.contains(file) {
            errors.push(no_such_file(format!("/attachments/{index}")));
        } else if !attachments.contains(file) {
            attachments.push(*file);
        }
    }
    // What is missing is said when it is filed; what is too much, at once.
    let unwanted = item.check_evidence(attachments.len()).filter(|_| !attachments.is_empty());
    errors.extend(unwanted.map(|error| error.under("/attachments")));
    match value {
        Some(value) if errors.is_empty() => Ok(Entry { value, attachments }),
        Some(_) | None => Err(errors),
    }
}

fn no_such_file(pointer: String) -> FieldError {
    FieldError::new(pointer, "file.not_found", "没有找到该文件，请重新上传")
}

/// The swing of `value` against last year's, if both are numbers and it is worth a look.
fn swing(item: &Item, previous: &Value, value: &Value) -> Option<Swing> {
    let (previous, now) = (number(item, previous)?, number(item, value)?);
    let change = now.checked_sub(previous)?.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(previous)?;
    if change.abs() <= SWING_PERCENT {
        return None;
    }
    let mut percent = change.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    percent.rescale(2);
    Some(Swing { previous, percent })
}

/// The number an item is about, where it is about one that can be compared over the years.
fn number(item: &Item, value: &Value) -> Option<Decimal> {
    match (item.kind, value) {
        (ItemKind::Number | ItemKind::Money, Value::Plain(text)) => Decimal::from_str_exact(text).ok(),
        (ItemKind::Ratio, Value::Ratio(ratio)) => ratio.percentage(),
        (ItemKind::Growth, Value::Growth(growth)) => Some(growth.current),
        _ => None,
    }
}
