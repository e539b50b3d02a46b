//! How the template looks: one sheet per dimension, one row per cell to be filled in, everything else locked.

use std::collections::BTreeSet;

use application::assessment::filing_template::FilingForm;
use chrono::{DateTime, Utc};
use domain::assessment_scheme::{Dimension, Evidence, Item, ItemKind};
use domain::assessment_submission::is_filed_by_park;
use domain::calendar::wall_clock;
use domain::filing_template::{self, Field, FieldKind, NO, YES};
use domain::scoring::rule_sentence;
use infrastructure::sheet::{
    Column, ColumnKind, Entry, Page, TableWriter, WorkbookWriter, WriteError, WrittenWorkbook,
};
use rust_decimal::Decimal;

/// Title of the column by which a row is found.
pub(super) const KEY: &str = "编号";
/// Title of the column that is filled in.
pub(super) const VALUE: &str = "填报值";
/// Where [`VALUE`] stands.
const VALUE_COLUMN: u16 = 3;
/// The hidden sheet that says what the template is for.
pub(super) const IDENTITY_SHEET: &str = "元数据";
/// Excel's own.
const SHEET_NAME_UTF16_MAX: usize = 31;

/// Writes the template as it is at `at`.
pub(super) fn write(form: &FilingForm, at: DateTime<Utc>) -> Result<WrittenWorkbook, WriteError> {
    let mut writer = WorkbookWriter::new(&format!("{}填报模板", form.title), at);
    let page = Page { lines: lines(form), is_landscape: true, is_protected: true };
    for (dimension, name) in
        form.facts.scheme.dimensions.iter().zip(sheet_names(&form.facts.scheme.dimensions))
    {
        let mut table = writer.table(&name, &page, &columns())?;
        for item in &dimension.items {
            rows(&mut table, form, item, at)?;
        }
    }
    let pairs = form.identity.pairs();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    writer.hidden_sheet(IDENTITY_SHEET, &pairs)?;
    writer.finish()
}

fn lines(form: &FilingForm) -> Vec<String> {
    let mut lines = vec![format!("{}填报模板", form.title), format!("园区/基地：{}", form.park_name)];
    if let Some(deadlines) = form.facts.deadlines {
        lines.push(format!(
            "填报 {} 至 {}，补填至 {}",
            wall_clock(deadlines.filing_opens_at),
            wall_clock(deadlines.filing_closes_at),
            wall_clock(deadlines.supplement_closes_at)
        ));
    }
    lines.extend(form.extension_reason.as_ref().map(|reason| format!("已延期：{reason}")));
    lines.push(
        "请只填写底色为浅黄的“填报值”，直接填数字或从下拉列表选择，不用公式；空着的项保持平台上已保存的内容"
            .to_owned(),
    );
    lines.push("填好后在平台“考核填报”页面导入，核对预览后保存为草稿，再提交；佐证材料在平台上传".to_owned());
    lines
}

fn columns() -> Vec<Column> {
    let text = |title: &str, width| Column::new(title, width, ColumnKind::Text);
    let points = ColumnKind::Decimal;
    vec![
        text(KEY, 16.0),
        text("指标", 30.0),
        text("填报项", 18.0),
        Column { note: Some("浅黄色的单元格可以填写".to_owned()), ..text(VALUE, 24.0) },
        text("单位", 8.0),
        text("必填", 6.0),
        Column::new("分值", 7.0, points),
        text("数据来源", 14.0),
        text("状态", 10.0),
        text("计分规则", 44.0),
        text("填报说明", 44.0),
    ]
}

fn rows(
    table: &mut TableWriter<'_>,
    form: &FilingForm,
    item: &Item,
    at: DateTime<Utc>,
) -> Result<(), WriteError> {
    let fields = filing_template::fields(item);
    let is_open = filing_template::is_open(&form.submission, &form.facts, item, at);
    let typed = form.current(&item.code).map(|value| filing_template::typed(item, value)).unwrap_or_default();
    let status = form.submission.status(&item.code, form.facts.publicized);
    let (rule, help) = (rule_sentence(item), help(item));
    let status = if is_filed_by_park(item) { status.label() } else { "" };
    let required = if item.required { "是" } else { "" };
    if fields.is_empty() {
        let files = form.current(&item.code).map(|value| filing_template::one_line(item, value));
        let files = files.unwrap_or_default();
        return table.row(&row(
            item,
            &item.code,
            "文件",
            "",
            Entry::Text(&files),
            [required, status, &rule, &help],
        ));
    }
    for field in &fields {
        let key = field.key(item);
        let filled = typed.get(&field.name).map(|text| entry(&field.kind, text));
        let value = if is_open {
            Entry::Open(column_kind(&field.kind), filled.as_ref())
        } else {
            filled.unwrap_or(Entry::Blank)
        };
        let unit = field.unit.as_deref().unwrap_or_default();
        table.row(&row(item, &key, &field.label, unit, value, [required, status, &rule, &help]))?;
        let options = options(field);
        if is_open && !options.is_empty() {
            table.restrict(VALUE_COLUMN, &options)?;
        }
    }
    Ok(())
}

fn row<'a>(
    item: &'a Item,
    key: &'a str,
    label: &'a str,
    unit: &'a str,
    value: Entry<'a>,
    [required, status, rule, help]: [&'a str; 4],
) -> [Entry<'a>; 11] {
    [
        Entry::Text(key),
        Entry::Text(&item.name),
        Entry::Text(label),
        value,
        Entry::Text(unit),
        Entry::Text(required),
        Entry::Number(item.max_score),
        Entry::Text(item.source.label()),
        Entry::Text(status),
        Entry::Text(rule),
        Entry::Text(help),
    ]
}

fn help(item: &Item) -> String {
    let mut parts: Vec<&str> = item.help.as_deref().into_iter().collect();
    if !is_filed_by_park(item) {
        parts.push("不由园区/基地填报");
    } else if item.kind == ItemKind::Attachment {
        parts.push("请在平台上传文件");
    }
    match item.evidence {
        Evidence::Required => parts.push("须在平台上传佐证材料"),
        Evidence::Optional => parts.push("可在平台上传佐证材料"),
        Evidence::None => {}
    }
    parts.join("；")
}

fn options(field: &Field) -> Vec<String> {
    match &field.kind {
        FieldKind::Choice(options) => options.clone(),
        FieldKind::YesNo => vec![YES.to_owned(), NO.to_owned()],
        FieldKind::Number | FieldKind::Money | FieldKind::Text => Vec::new(),
    }
}

fn column_kind(kind: &FieldKind) -> ColumnKind {
    match kind {
        FieldKind::Number => ColumnKind::Decimal,
        FieldKind::Money => ColumnKind::Number { places: 2 },
        FieldKind::Text | FieldKind::Choice(_) | FieldKind::YesNo => ColumnKind::Text,
    }
}

fn entry<'a>(kind: &FieldKind, text: &'a str) -> Entry<'a> {
    let number = match kind {
        FieldKind::Number | FieldKind::Money => Decimal::from_str_exact(text).ok(),
        FieldKind::Text | FieldKind::Choice(_) | FieldKind::YesNo => None,
    };
    number.map_or(Entry::Text(text), Entry::Number)
}

/// Names of the sheets of these dimensions, unlike each other however Excel compares them.
pub(super) fn sheet_names(dimensions: &[Dimension]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut names = Vec::with_capacity(dimensions.len());
    for (number, dimension) in (1..).zip(dimensions) {
        let plain = sheet_name(&format!("{} {}", dimension.code, dimension.name));
        let name = if taken.insert(plain.to_lowercase()) {
            plain
        } else {
            let numbered = sheet_name(&format!("{number} {} {}", dimension.code, dimension.name));
            taken.insert(numbered.to_lowercase());
            numbered
        };
        names.push(name);
    }
    names
}

/// Without the characters that no sheet may have in its name, and short enough.
fn sheet_name(wanted: &str) -> String {
    let mut name = String::new();
    for c in wanted.chars().map(|c| if "[]:*?/\\'".contains(c) { '_' } else { c }) {
        if name.encode_utf16().count() + c.len_utf16() > SHEET_NAME_UTF16_MAX {
            break;
        }
        name.push(c);
    }
    name.trim().to_owned()
}
