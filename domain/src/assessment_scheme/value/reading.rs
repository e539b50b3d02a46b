//! How a value comes in: JSON against an item, every error at once.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::super::formula::Formula;
use super::super::{Evidence, Item, ItemKind, Rule, below};
use super::{Growth, Ratio, Value};
use crate::decimal::{self, Bounds};
use crate::refusal::FieldError;
use crate::text;

/// Greatest number anybody may file when the item names no bound: a trillion, as money in yuan the output of a province.
pub const NUMBER_MAX: Decimal = Decimal::from_parts(0xD4A5_1000, 0xE8, 0, false, 0);
/// Files of one value.
pub const FILES_MAX: usize = 20;
/// Longest text: about three printed pages.
const TEXT_CHARS_MAX: usize = 5_000;
/// Places of a number; money has cents.
const NUMBER_PLACES: usize = 4;
const MONEY_PLACES: u32 = 2;
/// Places of a mark, as of every other score.
const MARK_PLACES: usize = 2;

impl Item {
    /// The value in `raw`, checked against this item, or everything wrong with it; pointers are relative to the value.
    ///
    /// The item must belong to a scheme without errors.
    pub fn parse(&self, raw: &Json) -> Result<Value, Vec<FieldError>> {
        if raw.is_null() {
            return Err(vec![required("", "请填写内容")]);
        }
        match self.kind {
            ItemKind::Number => self.plain(raw, NUMBER_PLACES, |number| number.to_string()),
            ItemKind::Money => {
                let places = usize::try_from(MONEY_PLACES).unwrap_or_default();
                self.plain(raw, places, |mut number| {
                    number.rescale(MONEY_PLACES);
                    number.to_string()
                })
            }
            ItemKind::Ratio => self.ratio(raw),
            ItemKind::Growth => self.growth(raw),
            ItemKind::Choice => self.choice("", raw).map(Value::Plain).map_err(|error| vec![error]),
            ItemKind::MultiChoice => self.choices(raw),
            ItemKind::Inputs => self.inputs(raw),
            ItemKind::Boolean => {
                raw.as_bool().map(Value::Boolean).ok_or_else(|| vec![self.wrong_kind("", "是或否")])
            }
            ItemKind::Text => self.text(raw).map_err(|error| vec![error]),
            ItemKind::Attachment => self.attachment(raw),
        }
    }

    /// A mark for this item, from 0 to its `maxScore`, or what is wrong with it.
    pub fn parse_mark(&self, raw: &str) -> Result<Decimal, FieldError> {
        decimal::parse("", raw, &Bounds { min: Decimal::ZERO, max: self.max_score, places: MARK_PLACES })
    }

    /// What is wrong with the number of files attached to a value of this item.
    pub fn check_evidence(&self, files: usize) -> Option<FieldError> {
        match self.evidence {
            Evidence::Required if files == 0 => {
                Some(FieldError::new("", "evidence.missing", format!("“{}”须上传佐证材料", self.name)))
            }
            Evidence::None if files > 0 => {
                Some(FieldError::new("", "evidence.unwanted", format!("“{}”不需要佐证材料", self.name)))
            }
            Evidence::None | Evidence::Optional | Evidence::Required => too_many_files("", files),
        }
    }

    /// The least and the greatest number a value of this item may have.
    fn bounds(&self, places: usize) -> Bounds {
        Bounds { min: Decimal::ZERO, max: self.upper_bound.unwrap_or(NUMBER_MAX), places }
    }

    fn wrong_kind(&self, pointer: &str, shape: &str) -> FieldError {
        FieldError::new(pointer, "value.wrong_kind", format!("“{}”应填写{shape}", self.name))
    }

    fn number(&self, pointer: &str, raw: &Json, places: usize) -> Result<Decimal, FieldError> {
        let raw = raw.as_str().ok_or_else(|| self.wrong_kind(pointer, "数字，以文本形式，如 \"36\""))?;
        if text::is_blank(raw) {
            return Err(required(pointer, "请填写数字"));
        }
        decimal::parse(pointer, raw, &self.bounds(places))
    }

    fn plain(
        &self,
        raw: &Json,
        places: usize,
        write: fn(Decimal) -> String,
    ) -> Result<Value, Vec<FieldError>> {
        self.number("", raw, places).map(|number| Value::Plain(write(number))).map_err(|error| vec![error])
    }

    /// The named numbers of an object that has exactly these; a `null` where it is allowed is none.
    fn numbers(
        &self,
        raw: &Json,
        names: &[(&str, &str)],
        nullable: &[&str],
    ) -> Result<Vec<Option<Decimal>>, Vec<FieldError>> {
        let shape = || names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join("、");
        let object: &Map<String, Json> =
            raw.as_object().ok_or_else(|| vec![self.wrong_kind("", &shape())])?;
        let mut errors = Vec::new();
        let mut numbers = Vec::with_capacity(names.len());
        for (name, label) in names {
            let pointer = format!("/{name}");
            match object.get(*name) {
                Some(Json::Null) if nullable.contains(name) => numbers.push(None),
                None | Some(Json::Null) => errors.push(required(&pointer, &format!("请填写{label}"))),
                Some(raw) => match self.number(&pointer, raw, NUMBER_PLACES) {
                    Ok(number) => numbers.push(Some(number)),
                    Err(error) => errors.push(error),
                },
            }
        }
        for name in object.keys().filter(|name| !names.iter().any(|(known, _)| known == name)) {
            let detail = format!("没有“{name}”这一项");
            errors.push(FieldError::new(below("", name), "value.unknown_field", detail));
        }
        if errors.is_empty() { Ok(numbers) } else { Err(errors) }
    }

    fn ratio(&self, raw: &Json) -> Result<Value, Vec<FieldError>> {
        let numbers = self.numbers(raw, &[("numerator", "分子"), ("denominator", "分母")], &[])?;
        let [Some(numerator), Some(denominator)] = numbers[..] else {
            return Err(vec![self.wrong_kind("", "分子和分母")]);
        };
        if numerator > denominator {
            let detail = format!("分子 {numerator} 不能大于分母 {denominator}");
            return Err(vec![FieldError::new("/numerator", "ratio.above_whole", detail)]);
        }
        if denominator.is_zero() && self.rule.no_case().is_none() {
            return Err(vec![FieldError::new("/denominator", "ratio.denominator_zero", "分母不能为 0")]);
        }
        Ok(Value::Ratio(Ratio { numerator, denominator }))
    }

    fn growth(&self, raw: &Json) -> Result<Value, Vec<FieldError>> {
        let names = [("current", "本年值"), ("previous", "上年值，没有上年数的填空值（null）")];
        let numbers = self.numbers(raw, &names, &["previous"])?;
        let [Some(current), previous] = numbers[..] else {
            return Err(vec![self.wrong_kind("", "本年值和上年值")]);
        };
        if previous.is_some_and(|previous| previous.is_zero()) {
            let detail = "上年值为 0，无法计算增速；没有上年数的填空值（null）";
            return Err(vec![FieldError::new("/previous", "growth.previous_zero", detail)]);
        }
        Ok(Value::Growth(Growth { current, previous }))
    }

    fn choice(&self, pointer: &str, raw: &Json) -> Result<String, FieldError> {
        let raw = raw.as_str().ok_or_else(|| self.wrong_kind(pointer, "选项"))?;
        let known = self.options.iter().find(|option| option.value == raw.trim());
        known
            .map(|option| option.value.clone())
            .ok_or_else(|| FieldError::new(pointer, "choice.unknown", "没有这个选项，请从列表中选择"))
    }

    fn choices(&self, raw: &Json) -> Result<Value, Vec<FieldError>> {
        let raw = raw.as_array().ok_or_else(|| vec![self.wrong_kind("", "选项的列表")])?;
        if raw.len() > self.options.len() {
            let detail = format!("最多 {} 项，现有 {} 项", self.options.len(), raw.len());
            return Err(vec![FieldError::new("", "list.too_long", detail)]);
        }
        let chosen = each_once(raw, |pointer, raw| self.choice(pointer, raw))?;
        let in_order = self.options.iter().map(|option| &option.value).filter(|value| chosen.contains(value));
        Ok(Value::List(in_order.cloned().collect()))
    }

    fn inputs(&self, raw: &Json) -> Result<Value, Vec<FieldError>> {
        let Rule::Formula { expression, inputs } = &self.rule else {
            return Err(vec![self.wrong_kind("", "公式的输入项，但该指标没有公式")]);
        };
        let names: Vec<(&str, &str)> =
            inputs.iter().map(|input| (input.name.as_str(), input.label.as_str())).collect();
        let numbers = self.numbers(raw, &names, &[])?;
        let values: BTreeMap<String, Decimal> = names
            .iter()
            .zip(numbers)
            .filter_map(|((name, _), number)| Some(((*name).to_owned(), number?)))
            .collect();
        let names: Vec<&str> = values.keys().map(String::as_str).collect();
        let formula = Formula::parse(expression, &names)
            .map_err(|error| vec![FieldError::new("", error.code(), error.to_string())])?;
        formula.evaluate(&values).map_err(|error| {
            let detail = format!("按公式 {expression} 无法计算：{error}，请核对所填数据");
            vec![FieldError::new("", error.code(), detail)]
        })?;
        Ok(Value::Inputs(values))
    }

    fn text(&self, raw: &Json) -> Result<Value, FieldError> {
        let raw = raw.as_str().ok_or_else(|| self.wrong_kind("", "文字"))?;
        text::lines("", raw, 1..=TEXT_CHARS_MAX).map(Value::Plain)
    }

    fn attachment(&self, raw: &Json) -> Result<Value, Vec<FieldError>> {
        let raw = raw.as_array().ok_or_else(|| vec![self.wrong_kind("", "文件编号的列表")])?;
        if raw.is_empty() {
            return Err(vec![required("", "请上传文件")]);
        }
        if let Some(error) = too_many_files("", raw.len()) {
            return Err(vec![error]);
        }
        each_once(raw, |pointer, raw| {
            let id = raw.as_str().and_then(|raw| text::fold_code(raw).parse::<Uuid>().ok());
            let malformed = || FieldError::new(pointer, "file.malformed", "文件编号不正确，请重新上传");
            id.map(|id| id.to_string()).ok_or_else(malformed)
        })
        .map(Value::List)
    }
}

/// Every element read, none twice, or everything wrong with them.
fn each_once(
    raw: &[Json],
    read: impl Fn(&str, &Json) -> Result<String, FieldError>,
) -> Result<Vec<String>, Vec<FieldError>> {
    let mut list = Vec::with_capacity(raw.len());
    let mut errors = Vec::new();
    for (index, raw) in raw.iter().enumerate() {
        let pointer = format!("/{index}");
        match read(&pointer, raw) {
            Ok(one) if list.contains(&one) => {
                errors.push(FieldError::new(pointer, "list.duplicate", "与前面的一项重复"));
            }
            Ok(one) => list.push(one),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(list) } else { Err(errors) }
}

fn too_many_files(pointer: &str, files: usize) -> Option<FieldError> {
    let detail = format!("最多 {FILES_MAX} 个文件，现有 {files} 个");
    (files > FILES_MAX).then(|| FieldError::new(pointer, "list.too_long", detail))
}

fn required(pointer: &str, detail: &str) -> FieldError {
    FieldError::new(pointer, "field.required", detail)
}
