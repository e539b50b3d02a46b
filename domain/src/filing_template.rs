//! The filing template (考核填报模板): how a scheme stands in a workbook to be filled in, and what a filled one says.
//!
//! ```text
//! Item ─fields→ one row each (编号, 填报项, 填报值) ─a person fills in→ Typed ─raw_value→ JSON ─Item::parse→ Value
//!        ↑ typed ───────────────── Value that is drafted or filed
//! ```
//! Always: what [`typed`] writes of a value, [`raw_value`] reads as the same value; a row is found by its key, wherever it
//! stands; an item of which nothing is filled in is left as it is. A template belongs to one cycle, scheme and park
//! ([`Identity`]). [`import`] compares a filled one with what is saved.
//! Deliberately not here: files and cells (`infrastructure/src/sheet`); how the sheets look (`api/src/filing_template.rs`).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

use crate::assessment_cycle::Window;
use crate::assessment_scheme::{Choice, Item, ItemKind, Rule, Value};
use crate::assessment_submission::{AssessmentSubmission, Button, CycleFacts, button, is_filed_by_park};
use crate::refusal::FieldError;

mod identity;
pub mod import;
#[cfg(test)]
mod tests;
pub use identity::{FilingTemplateError, Identity};

/// In the cell of a yes or no.
pub const YES: &str = "是";
/// In the cell of a yes or no.
pub const NO: &str = "否";

/// What is typed for an item: the text of its cells by [`Field::name`], blank ones absent.
pub type Typed = BTreeMap<String, String>;

/// One cell to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Which part of the value it is: a name in its JSON, a choice of several, or empty for the value itself.
    pub name: String,
    /// As people read it.
    pub label: String,
    /// 单位
    pub unit: Option<String>,
    /// What belongs there.
    pub kind: FieldKind,
}

/// What belongs into a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// A number with up to four places.
    Number,
    /// A number with two places.
    Money,
    /// Text.
    Text,
    /// One of these.
    Choice(Vec<String>),
    /// [`YES`] or [`NO`].
    YesNo,
}

impl Field {
    fn new(name: &str, label: &str, unit: Option<&String>, kind: FieldKind) -> Self {
        Self { name: name.to_owned(), label: label.to_owned(), unit: unit.cloned(), kind }
    }

    /// What its row is found by: unlike that of every other field of a scheme.
    pub fn key(&self, item: &Item) -> String {
        if self.name.is_empty() { item.code.clone() } else { format!("{}/{}", item.code, self.name) }
    }
}

/// The cells of an item; none for files, which no workbook holds.
pub fn fields(item: &Item) -> Vec<Field> {
    let unit = item.unit.as_ref();
    let one = |label: &str, unit, kind| vec![Field::new("", label, unit, kind)];
    let two = |names: [(&str, &str); 2]| {
        names.map(|(name, label)| Field::new(name, label, unit, FieldKind::Number)).to_vec()
    };
    match item.kind {
        ItemKind::Number => one("数值", unit, FieldKind::Number),
        ItemKind::Money => one("金额", unit, FieldKind::Money),
        ItemKind::Ratio => two([("numerator", "分子"), ("denominator", "分母")]),
        ItemKind::Growth => two([("current", "本年值"), ("previous", "上年值")]),
        ItemKind::Choice => {
            one("选项", None, FieldKind::Choice(item.options.iter().map(|o| shown(item, o)).collect()))
        }
        ItemKind::MultiChoice => item
            .options
            .iter()
            .map(|option| Field::new(&option.value, &shown(item, option), None, FieldKind::YesNo))
            .collect(),
        ItemKind::Inputs => {
            let Rule::Formula { inputs, .. } = &item.rule else { return Vec::new() };
            let field = |input: &crate::assessment_scheme::Input| {
                Field::new(&input.name, &input.label, input.unit.as_ref(), FieldKind::Number)
            };
            inputs.iter().map(field).collect()
        }
        ItemKind::Boolean => one("是否", None, FieldKind::YesNo),
        ItemKind::Text => one("内容", None, FieldKind::Text),
        ItemKind::Attachment => Vec::new(),
    }
}

/// Whether the park may fill `item` in at `at`, or will be able to once filing opens.
pub fn is_open(
    submission: &AssessmentSubmission,
    facts: &CycleFacts,
    item: &Item,
    at: DateTime<Utc>,
) -> bool {
    let window = match facts.window(at) {
        Window::Upcoming => Window::Filing,
        window @ (Window::Filing | Window::Supplement | Window::Closed) => window,
    };
    is_filed_by_park(item) && button(window, submission.status(&item.code, facts.publicized)) != Button::None
}

/// A choice as it stands in the workbook: its label, with its value where two labels are the same.
fn shown(item: &Item, option: &Choice) -> String {
    let alike = item.options.iter().filter(|other| other.label == option.label).count();
    if alike > 1 { format!("{}（{}）", option.label, option.value) } else { option.label.clone() }
}

/// What stands in the cells of `item` for `value`, which must be one of the item's.
pub fn typed(item: &Item, value: &Value) -> Typed {
    let only = |text: String| Typed::from([(String::new(), text)]);
    let yes_no = |yes: bool| if yes { YES.to_owned() } else { NO.to_owned() };
    match value {
        Value::Boolean(yes) => only(yes_no(*yes)),
        Value::Plain(choice) if item.kind == ItemKind::Choice => {
            let option = item.options.iter().find(|option| option.value == *choice);
            only(option.map_or_else(|| choice.clone(), |option| shown(item, option)))
        }
        Value::Plain(text) => only(text.clone()),
        Value::List(chosen) if item.kind == ItemKind::MultiChoice => {
            item.options.iter().map(|o| (o.value.clone(), yes_no(chosen.contains(&o.value)))).collect()
        }
        Value::List(_) => Typed::new(),
        Value::Ratio(ratio) => Typed::from([
            ("numerator".to_owned(), ratio.numerator.to_string()),
            ("denominator".to_owned(), ratio.denominator.to_string()),
        ]),
        Value::Growth(growth) => {
            let previous = growth.previous.map(|previous| ("previous".to_owned(), previous.to_string()));
            previous.into_iter().chain([("current".to_owned(), growth.current.to_string())]).collect()
        }
        Value::Inputs(inputs) => {
            inputs.iter().map(|(name, number)| (name.clone(), number.to_string())).collect()
        }
    }
}

/// A value of `item` in one line, for people.
pub fn one_line(item: &Item, value: &Value) -> String {
    if let (Value::List(list), ItemKind::Attachment) = (value, item.kind) {
        return format!("{} 个文件", list.len());
    }
    let typed = typed(item, value);
    let fields = fields(item);
    let text = |field: &Field| typed.get(&field.name).map(String::as_str);
    match fields.as_slice() {
        [only] => text(only).unwrap_or_default().to_owned(),
        all if item.kind == ItemKind::MultiChoice => {
            let chosen = all.iter().filter(|field| text(field) == Some(YES));
            chosen.map(|field| field.label.as_str()).collect::<Vec<_>>().join("、")
        }
        all => {
            let part = |field: &Field| Some(format!("{} {}", field.label, text(field)?));
            all.iter().filter_map(part).collect::<Vec<_>>().join("；")
        }
    }
}

/// What is typed for `item` as JSON for [`Item::parse`]; nothing where nothing is typed. Errors point at fields, as `/name`.
pub fn raw_value(item: &Item, typed: &Typed) -> Result<Option<Json>, Vec<FieldError>> {
    let fields = fields(item);
    if !fields.iter().any(|field| typed.contains_key(&field.name)) {
        return Ok(None);
    }
    let only = typed.get("").map(String::as_str).unwrap_or_default();
    let raw = match item.kind {
        ItemKind::Number | ItemKind::Money | ItemKind::Text => json!(only),
        ItemKind::Ratio | ItemKind::Growth | ItemKind::Inputs => {
            let part = |field: &Field| (field.name.clone(), json!(typed.get(&field.name)));
            Json::Object(fields.iter().map(part).collect::<Map<_, _>>())
        }
        ItemKind::Choice => {
            let is_meant = |option: &&Choice| shown(item, option) == only || option.value == only;
            let option = item.options.iter().find(is_meant);
            // What is none of them is told by the item itself.
            json!(option.map_or(only, |option| option.value.as_str()))
        }
        ItemKind::MultiChoice => return chosen(&fields, typed).map(Some),
        ItemKind::Boolean => json!(yes("", only).map_err(|error| vec![error])?),
        ItemKind::Attachment => return Ok(None),
    };
    Ok(Some(raw))
}

fn chosen(fields: &[Field], typed: &Typed) -> Result<Json, Vec<FieldError>> {
    let (mut chosen, mut errors) = (Vec::new(), Vec::new());
    for field in fields {
        let Some(text) = typed.get(&field.name) else { continue };
        match yes(&format!("/{}", field.name), text) {
            Ok(true) => chosen.push(field.name.as_str()),
            Ok(false) => {}
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(json!(chosen)) } else { Err(errors) }
}

fn yes(pointer: &str, text: &str) -> Result<bool, FieldError> {
    match text {
        YES => Ok(true),
        NO => Ok(false),
        _ => Err(FieldError::new(pointer, "cell.not_yes_or_no", format!("请填写“{YES}”或“{NO}”"))),
    }
}
