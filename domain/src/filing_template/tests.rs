use serde_json::json;

use super::import::{Change, ImportedItem, Importing, compare};
use super::*;
use crate::assessment_cycle::AssessmentCycle;
use crate::assessment_scheme::sample;
use crate::assessment_submission::{AssessmentSubmission, CycleFacts, ParkFacts};
use crate::assessment_submission::{AssessmentSubmissionEvent, DraftedItem};
use crate::id::{AssessmentCycleId, ParkId};
use crate::refusal::Refusal;
use crate::stories::assessment::{ENDS, OPENS, open_cycle, park, scheme};
use crate::stories::{account, at, fold, park_person, uuid};

fn typed_as(cells: &[(&str, &str)]) -> Typed {
    cells.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn what_a_template_shows_of_a_value_is_read_as_the_same_value() {
    let scheme = sample::scheme();
    for park in sample::parks() {
        for (code, raw) in &park.values {
            let item = scheme.item(code).unwrap();
            let value = item.parse(raw).unwrap();
            let raw = raw_value(item, &typed(item, &value)).unwrap().unwrap();
            assert_eq!(item.parse(&raw).as_ref(), Ok(&value), "{code} {raw}");
        }
    }
}

#[test]
fn a_value_is_said_in_one_line() {
    let scheme = sample::scheme();
    let line = |code: &str, raw: serde_json::Value| {
        let item = scheme.item(code).unwrap();
        one_line(item, &item.parse(&raw).unwrap())
    };
    assert_eq!(line("A1", json!("36")), "36");
    assert_eq!(line("A3", json!({"numerator": "3", "denominator": "4"})), "分子 3；分母 4");
    assert_eq!(line("B2", json!({"current": "3", "previous": null})), "本年值 3");
    assert_eq!(line("F2", json!(false)), "否");
}

#[test]
fn every_field_of_a_scheme_has_a_key_of_its_own() {
    let scheme = sample::scheme();
    let keys: Vec<String> =
        scheme.items().flat_map(|item| fields(item).into_iter().map(|field| field.key(item))).collect();
    let unique: std::collections::BTreeSet<&String> = keys.iter().collect();
    assert_eq!(unique.len(), keys.len());
    assert!(keys.contains(&"A1".to_owned()) && keys.contains(&"A3/numerator".to_owned()), "{keys:?}");
}

#[test]
fn choices_with_one_label_are_told_apart_by_their_values() {
    let mut item = sample::scheme().items().find(|item| item.kind == ItemKind::Choice).unwrap().clone();
    for option in &mut item.options {
        option.label = "同名".to_owned();
    }
    let value = Value::Plain(item.options[1].value.clone());
    let shown = typed(&item, &value);
    assert_ne!(shown[""], "同名");
    assert_eq!(item.parse(&raw_value(&item, &shown).unwrap().unwrap()), Ok(value));
    let unknown = raw_value(&item, &typed_as(&[("", "没有的")])).unwrap().unwrap();
    assert_eq!(item.parse(&unknown).unwrap_err()[0].code, "choice.unknown");
}

#[test]
fn a_value_of_several_cells_wants_all_of_them_and_points_at_what_is_missing() {
    let scheme = sample::scheme();
    let missing = |code: &str, cells| {
        let item = scheme.item(code).unwrap();
        let raw = raw_value(item, &typed_as(cells)).unwrap().unwrap();
        item.parse(&raw).map_err(|errors| errors[0].pointer.clone())
    };
    assert_eq!(missing("A3", &[("numerator", "3")]), Err("/denominator".to_owned()));
    assert_eq!(missing("C2", &[("s", "3")]), Err("/p".to_owned()));
    assert_eq!(missing("B2", &[("previous", "3")]), Err("/current".to_owned()));
    assert!(missing("B2", &[("current", "3")]).is_ok(), "a new park has no previous year");
    assert_eq!(raw_value(scheme.item("A3").unwrap(), &Typed::new()), Ok(None));
}

#[test]
fn a_yes_or_no_is_nothing_else() {
    let scheme = sample::scheme();
    let item = scheme.items().find(|item| item.kind == ItemKind::MultiChoice).unwrap();
    let (first, second) = (item.options[0].value.as_str(), item.options[1].value.as_str());
    let chosen = raw_value(item, &typed_as(&[(first, "是"), (second, "否")]));
    assert_eq!(chosen, Ok(Some(json!([first]))));
    let errors = raw_value(item, &typed_as(&[(first, "有"), (second, "1")])).unwrap_err();
    let told: Vec<_> = errors.iter().map(|error| (error.pointer.clone(), error.code.as_str())).collect();
    let expected = [first, second].map(|name| (format!("/{name}"), "cell.not_yes_or_no"));
    assert_eq!(told, expected);
}

#[test]
fn a_template_is_for_one_cycle_scheme_and_park() {
    let identity = Identity {
        cycle: AssessmentCycleId(uuid(1)),
        scheme_version: "ab".repeat(32),
        park: ParkId(uuid(2)),
    };
    let said: BTreeMap<String, String> =
        identity.pairs().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(identity.check(&said), Ok(()));
    for (name, code) in [
        ("format", "filing_template.not_a_template"),
        ("cycleId", "filing_template.other_cycle"),
        ("schemeVersion", "filing_template.other_scheme"),
        ("parkId", "filing_template.other_park"),
    ] {
        let other = said.clone().into_iter().chain([(name.to_owned(), "x".to_owned())]).collect();
        assert_eq!(identity.check(&other).unwrap_err().code(), code);
    }
    assert_eq!(identity.check(&BTreeMap::new()), Err(FilingTemplateError::NotATemplate));
}

/// What an import of these cells into a submission of park 1 would do, `minutes` after the beginning of time.
fn imported(
    history: &[AssessmentSubmissionEvent],
    cells: &[(&str, Typed)],
    minutes: i64,
) -> Result<Vec<ImportedItem>, &'static str> {
    let submission: AssessmentSubmission = fold(history);
    let cycle = CycleFacts::of(&fold::<AssessmentCycle>(&open_cycle()), park(1), false).unwrap();
    let (by, member) = (park_person(1), ParkFacts { is_member: true, ..ParkFacts::default() });
    let importing =
        Importing { submission: &submission, cycle: &cycle, park: &member, by: &by, at: at(minutes) };
    let typed = cells.iter().map(|(code, typed)| ((*code).to_owned(), typed.clone())).collect();
    compare(&importing, &typed, &BTreeMap::new()).map_err(|error| error.code())
}

#[test]
fn an_import_says_of_each_item_what_saving_would_do() {
    let number = |text: &str| typed_as(&[("", text)]);
    let cells = [("A1", number("36")), ("B1", number("many"))];
    let items = imported(&[], &cells, OPENS + 60).unwrap();
    let of =
        |items: &[ImportedItem], code: &str| items.iter().find(|item| item.code == code).unwrap().clone();
    assert_eq!(of(&items, "A1").change, Change::New);
    assert_eq!(of(&items, "A1").draft.unwrap().value, json!("36"));
    let wrong = of(&items, "B1");
    assert_eq!((wrong.change, wrong.errors[0].code.as_str()), (Change::Error, "decimal.malformed"));
    assert!(items.iter().filter(|item| item.change == Change::Blank).all(|item| item.draft.is_none()));
    let files = scheme().items().filter(|item| item.kind == ItemKind::Attachment).count();
    assert!(items.len() + files <= scheme().items().count());
}

#[test]
fn an_import_is_refused_where_nothing_can_be_saved_and_told_where_one_item_cannot() {
    let cells = [("A1", typed_as(&[("", "36")]))];
    let early = imported(&[], &cells, OPENS - 60).unwrap_err();
    assert_eq!(early, "assessment_submission.not_open_yet");
    let drafted = AssessmentSubmissionEvent::Drafted {
        items: vec![DraftedItem {
            code: "A1".to_owned(),
            value: Value::Plain("36".to_owned()),
            attachments: vec![],
        }],
        by: account(1),
    };
    let over = ENDS + 60;
    let same = imported(std::slice::from_ref(&drafted), &cells, over).unwrap();
    assert_eq!(same[0].change, Change::Unchanged);
    let other = imported(&[drafted], &[("A1", typed_as(&[("", "37")]))], over).unwrap();
    assert_eq!(other[0].errors[0].code, "assessment_submission.window_closed");
}
