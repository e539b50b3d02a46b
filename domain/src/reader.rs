//! Reads the fields of an input one by one and keeps every error, so that a form learns all of them at once.
//!
//! Always: a field that was left blank is absent, not wrong; a wrong field is noted and read as absent.

use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::decimal::{self, Bounds};
use crate::refusal::FieldError;
use crate::text;

/// Characters of `YYYY-MM-DD`.
const DATE_CHARS: usize = 10;

/// What was wrong so far.
#[derive(Default)]
pub struct Reader {
    /// In the order of reading.
    pub errors: Vec<FieldError>,
}

impl Reader {
    fn keep<T>(&mut self, read: Result<T, FieldError>) -> Option<T> {
        read.map_err(|error| self.errors.push(error)).ok()
    }

    /// Notes that the required field at `pointer` is absent, unless it was given or is wrong already.
    pub fn require(&mut self, pointer: &str, given: bool, detail: &str) {
        if !given && !self.errors.iter().any(|error| error.pointer == pointer) {
            self.errors.push(FieldError::new(pointer, "field.required", detail));
        }
    }

    /// One line of text.
    pub fn line(
        &mut self,
        pointer: &str,
        raw: Option<String>,
        limits: RangeInclusive<usize>,
    ) -> Option<String> {
        let raw = given(raw)?;
        self.keep(text::check(pointer, &raw, limits))
    }

    /// Text that may have several lines.
    pub fn lines(
        &mut self,
        pointer: &str,
        raw: Option<String>,
        limits: RangeInclusive<usize>,
    ) -> Option<String> {
        let raw = given(raw)?;
        self.keep(text::lines(pointer, &raw, limits))
    }

    /// A value object with its own `parse`, and how its error becomes one of this field.
    pub fn value<T, E>(
        &mut self,
        pointer: &str,
        raw: Option<String>,
        parse: fn(&str) -> Result<T, E>,
        at: fn(E, &str) -> FieldError,
    ) -> Option<T> {
        let raw = given(raw)?;
        self.keep(parse(&raw).map_err(|error| at(error, pointer)))
    }

    /// One code of a dictionary.
    pub fn choice<T: FromStr>(&mut self, pointer: &str, raw: Option<String>) -> Option<T> {
        let raw = given(raw)?;
        self.keep(choice(pointer, &raw))
    }

    /// Codes of a dictionary that has `max` of them, each at most once.
    pub fn choices<T: FromStr + PartialEq>(
        &mut self,
        pointer: &str,
        raw: Option<Vec<String>>,
        max: usize,
    ) -> Vec<T> {
        self.list(pointer, raw, max, choice)
    }

    /// At most `max` file ids, each at most once.
    pub fn files(&mut self, pointer: &str, raw: Option<Vec<String>>, max: usize) -> Vec<Uuid> {
        self.list(pointer, raw, max, |pointer, raw| {
            let id = text::fold_code(raw).parse();
            id.map_err(|_| FieldError::new(pointer, "file.malformed", "文件编号不正确，请重新上传"))
        })
    }

    fn list<T: PartialEq>(
        &mut self,
        pointer: &str,
        raw: Option<Vec<String>>,
        max: usize,
        parse: fn(&str, &str) -> Result<T, FieldError>,
    ) -> Vec<T> {
        let raw = raw.unwrap_or_default();
        if raw.len() > max {
            let detail = format!("最多 {max} 项，现有 {} 项", raw.len());
            self.errors.push(FieldError::new(pointer, "list.too_long", detail));
            return Vec::new();
        }
        let mut list = Vec::with_capacity(raw.len());
        for (index, raw) in raw.iter().enumerate() {
            let place = format!("{pointer}/{index}");
            match self.keep(parse(&place, raw)) {
                Some(item) if list.contains(&item) => {
                    self.errors.push(FieldError::new(place, "list.duplicate", "与前面的一项重复"));
                }
                Some(item) => list.push(item),
                None => {}
            }
        }
        list
    }

    /// A number within `bounds`, without needless zeros.
    pub fn decimal(&mut self, pointer: &str, raw: Option<String>, bounds: &Bounds) -> Option<Decimal> {
        let raw = given(raw)?;
        self.keep(decimal::parse(pointer, &raw, bounds))
    }

    /// A civil date `YYYY-MM-DD`, not before `min`.
    pub fn date(&mut self, pointer: &str, raw: Option<String>, min: NaiveDate) -> Option<NaiveDate> {
        let raw = given(raw)?;
        self.keep(date(pointer, &raw, min))
    }
}

fn given(raw: Option<String>) -> Option<String> {
    raw.filter(|raw| !text::is_blank(raw))
}

fn choice<T: FromStr>(pointer: &str, raw: &str) -> Result<T, FieldError> {
    let unknown = |_| FieldError::new(pointer, "dictionary.unknown", "没有这个选项，请从列表中选择");
    text::fold_code(raw).parse().map_err(unknown)
}

fn date(pointer: &str, raw: &str, min: NaiveDate) -> Result<NaiveDate, FieldError> {
    let code = text::fold_code(raw);
    let read = NaiveDate::parse_from_str(&code, "%Y-%m-%d").ok().filter(|_| code.len() == DATE_CHARS);
    let date = read.ok_or_else(|| {
        let detail = "日期不正确，请按“年-月-日”填写，如 2024-06-01";
        FieldError::new(pointer, "date.malformed", detail)
    })?;
    if date < min {
        return Err(FieldError::new(pointer, "date.too_early", format!("不能早于 {min}")));
    }
    Ok(date)
}
