//! The columns of the roster's workbook, in the order of contract.md: what a cell becomes, and how a header is found.
//!
//! Always: columns are found by name, wherever they stand; a code may be written as its label or as itself.

use domain::dictionary::{CustomsRegime, EnterpriseCategory};
use domain::managed_enterprise::{EnterpriseInput, EnterpriseStatus};
use infrastructure::sheet::clean::{self, CellError};
use infrastructure::sheet::{self, ColumnKind, Row, Value};
use strum::IntoEnumIterator;

/// Whether a cell is one of two words.
const YES_NO: [&str; 2] = ["是", "否"];
/// Between several regimes in one cell.
const BETWEEN: [char; 7] = ['、', '，', ',', '；', ';', '/', ' '];

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text as it is.
    Text,
    /// A code, in half width.
    Code,
    /// A day.
    Date,
    /// A number with so many places.
    Number(u32),
    /// One word of a list.
    Choice,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its header.
    pub title: &'static str,
    /// The field, as in the API.
    pub field: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Never blank.
    pub is_required: bool,
    /// What people should know when they fill it in.
    pub note: &'static str,
}

const fn column(title: &'static str, field: &'static str, kind: Kind, note: &'static str) -> Column {
    Column { title, field, kind, is_required: false, note }
}

const fn required(title: &'static str, field: &'static str, kind: Kind, note: &'static str) -> Column {
    Column { is_required: true, ..column(title, field, kind, note) }
}

/// All of them.
pub(crate) const COLUMNS: [Column; 15] = [
    required("企业名称", "name", Kind::Text, "必填，2–100 字"),
    required("统一社会信用代码", "creditCode", Kind::Code, "必填，18 位，请保持文本格式"),
    required("入驻日期", "settledOn", Kind::Date, "必填，如 2026-05-01，不晚于今天"),
    required("入驻状态", "status", Kind::Choice, "必填，在园或迁出"),
    required("企业类型", "category", Kind::Choice, "必填，请从下拉列表选择"),
    column("主营品类", "products", Kind::Text, "不超过 200 字"),
    column("监管方式", "regimes", Kind::Code, "代码，多个用顿号分隔，如 9610、1210"),
    column("法定代表人", "legalRepresentative", Kind::Text, "个人信息，选填"),
    column("联系人", "contactName", Kind::Text, "个人信息，选填"),
    column("联系电话", "contactPhone", Kind::Code, "个人信息，选填，请保持文本格式"),
    column("办公面积(㎡)", "officeAreaSqm", Kind::Number(2), "数字，不带单位，最多两位小数"),
    column("从业人数", "employees", Kind::Number(0), "整数"),
    column("上年交易额(万元)", "lastYearTurnoverWan", Kind::Number(2), "数字，单位万元，最多两位小数"),
    column("是否规上", "aboveScale", Kind::Choice, "是或否"),
    column("备注", "remark", Kind::Text, "不超过 500 字"),
];

/// Characters of a column of names and codes.
const WIDE: f64 = 28.0;
/// Characters of a column of numbers, days and choices.
const NARROW: f64 = 16.0;

/// The columns as a workbook has them. Codes, phones and days are text, so that no program changes them.
pub(crate) fn workbook_columns() -> Vec<sheet::Column> {
    let all = COLUMNS.iter().map(|column| {
        let kind = match column.kind {
            Kind::Text | Kind::Code | Kind::Choice | Kind::Date => ColumnKind::Text,
            Kind::Number(places) => ColumnKind::Number { places },
        };
        let width = if matches!(column.kind, Kind::Text | Kind::Code) { WIDE } else { NARROW };
        sheet::Column {
            is_required: column.is_required,
            note: Some(column.note.to_owned()),
            options: options(column.field).into_iter().map(str::to_owned).collect(),
            ..sheet::Column::new(column.title, width, kind)
        }
    });
    all.collect()
}

/// The words of a choice, in the order to show them in.
pub(super) fn options(field: &str) -> Vec<&'static str> {
    match field {
        "status" => EnterpriseStatus::iter().map(EnterpriseStatus::label).collect(),
        "category" => EnterpriseCategory::iter().map(EnterpriseCategory::label).collect(),
        "aboveScale" => YES_NO.to_vec(),
        _ => Vec::new(),
    }
}

/// Something wrong with a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Index into [`COLUMNS`]; none for the row as a whole.
    pub column: Option<usize>,
    /// Stable code.
    pub code: String,
    /// In words.
    pub detail: String,
}

impl Wrong {
    /// Of a field, as in the API: `/creditCode`, `/regimes/1`.
    pub fn at(pointer: &str, code: &str, detail: &str) -> Self {
        let field = pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
        let column = COLUMNS.iter().position(|column| column.field == field);
        Self { column, code: code.to_owned(), detail: detail.to_owned() }
    }
}

/// Where each column of [`COLUMNS`] stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    places: Vec<Option<u16>>,
    /// Headers that no column has.
    pub unknown: Vec<String>,
    /// Columns that are not there.
    pub missing: Vec<&'static str>,
    /// Columns that stand twice.
    pub twice: Vec<&'static str>,
}

/// A header as it is compared: width, spaces and the mark of a required column do not matter.
fn plain(title: &str) -> String {
    clean::folded(title).chars().filter(|c| !c.is_whitespace() && *c != '*').collect()
}

impl Header {
    /// Finds the columns in the first row.
    pub fn read(row: &Row) -> Self {
        let mut places = vec![None; COLUMNS.len()];
        let (mut unknown, mut twice) = (Vec::new(), Vec::new());
        for cell in &row.cells {
            let shown = clean::shown(&cell.value);
            let title = plain(&shown);
            if title.is_empty() || RESULT_TITLES.contains(&title.as_str()) {
                continue;
            }
            match COLUMNS.iter().position(|column| plain(column.title) == title) {
                Some(at) if places[at].is_some() => twice.push(COLUMNS[at].title),
                Some(at) => places[at] = Some(cell.column),
                None => unknown.push(clean::trimmed(&shown)),
            }
        }
        let missing = COLUMNS.iter().zip(&places).filter(|(_, place)| place.is_none());
        let missing = missing.map(|(column, _)| column.title).collect();
        Self { places, unknown, missing, twice }
    }

    /// The cells of a row in the order of [`COLUMNS`]; nothing where a cell is blank.
    pub fn cells<'a>(&self, row: &'a Row) -> Vec<Option<&'a Value>> {
        let cell = |place: &Option<u16>| {
            let cell = row.cell((*place)?)?;
            (!clean::is_blank(&cell.value)).then_some(&cell.value)
        };
        self.places.iter().map(cell).collect()
    }
}

/// The columns that a report adds; they are left out when it is uploaded again.
pub(super) const RESULT_TITLES: [&str; 2] = ["结果", "原因"];

/// The fields of a row, and what cannot be read of it.
pub(super) fn input(cells: &[Option<&Value>]) -> (EnterpriseInput, Vec<Wrong>) {
    let mut wrong = Vec::new();
    let mut texts: Vec<Option<String>> = Vec::with_capacity(COLUMNS.len());
    for (at, (column, cell)) in COLUMNS.iter().zip(cells).enumerate() {
        let text = match cell {
            None => None,
            Some(value) => match text(column.kind, value) {
                Ok(text) => Some(text),
                Err(error) => {
                    wrong.push(Wrong {
                        column: Some(at),
                        code: error.code().to_owned(),
                        detail: error.to_string(),
                    });
                    None
                }
            },
        };
        texts.push(text);
    }
    let mut take = |field: &str| {
        let at = COLUMNS.iter().position(|column| column.field == field);
        at.and_then(|at| texts[at].take())
    };
    let above_scale = match take("aboveScale").as_deref() {
        None => None,
        Some("是") => Some(true),
        Some("否") => Some(false),
        Some(_) => {
            wrong.push(Wrong::at("/aboveScale", "field.choice", "请填写是或否"));
            None
        }
    };
    let input = EnterpriseInput {
        name: take("name"),
        credit_code: take("creditCode"),
        settled_on: take("settledOn"),
        status: take("status").map(|text| code_of("status", text)),
        category: take("category").map(|text| code_of("category", text)),
        products: take("products"),
        regimes: take("regimes").map(|text| regimes(&text)),
        legal_representative: take("legalRepresentative"),
        contact_name: take("contactName"),
        contact_phone: take("contactPhone"),
        office_area_sqm: take("officeAreaSqm"),
        employees: take("employees"),
        last_year_turnover_wan: take("lastYearTurnoverWan"),
        above_scale,
        remark: take("remark"),
    };
    (input, wrong)
}

fn text(kind: Kind, value: &Value) -> Result<String, CellError> {
    match kind {
        Kind::Text => clean::text(value),
        Kind::Code | Kind::Choice => match value {
            // Excel makes a truth value of what a person may have meant as a word.
            Value::Boolean(true) => Ok("是".to_owned()),
            Value::Boolean(false) => Ok("否".to_owned()),
            Value::Text(_) | Value::Number(_) | Value::Date(_) | Value::Error(_) => clean::code(value),
        },
        Kind::Date => clean::date(value).map(|day| day.to_string()),
        Kind::Number(_) => clean::decimal(value).map(|number| number.normalize().to_string()),
    }
}

/// The code of a label; what is no label is handed on, for the domain to judge.
fn code_of(field: &str, text: String) -> String {
    let found = match field {
        "status" => EnterpriseStatus::iter().find(|choice| choice.label() == text).map(<&str>::from),
        "category" => EnterpriseCategory::iter().find(|choice| choice.label() == text).map(<&str>::from),
        _ => None,
    };
    found.map_or(text, str::to_owned)
}

/// Codes or labels of regimes, as people put several into one cell. Excel makes `110` of `0110`.
fn regimes(text: &str) -> Vec<String> {
    let is_name =
        |word: &str| CustomsRegime::iter().any(|regime| regime.label().ends_with(&format!(" {word}")));
    let words = text.split(BETWEEN).map(str::trim).filter(|word| !word.is_empty() && !is_name(word));
    words.map(|word| if word == "110" { "0110".to_owned() } else { word.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use infrastructure::sheet::Cell;

    use super::*;

    fn row(texts: &[&str]) -> Row {
        let cells = (0..).zip(texts).map(|(column, text)| Cell {
            column,
            value: Value::Text((*text).to_owned()),
            is_formula: false,
        });
        Row { sheet: 0, number: 1, cells: cells.collect() }
    }

    #[test]
    fn columns_are_found_by_name_in_any_order_and_width() {
        let mut titles: Vec<&str> = COLUMNS.iter().map(|column| column.title).collect();
        titles.reverse();
        titles[14] = "企业名称 *";
        titles[4] = "办公面积（㎡）";
        titles.extend(["结果", "自定义列", "备注"]);
        let header = Header::read(&row(&titles));
        assert_eq!(header.unknown, ["自定义列"]);
        assert_eq!((header.missing.as_slice(), header.twice.as_slice()), (&[][..], &["备注"][..]));
        let lone = Header::read(&row(&["企业名称"]));
        assert_eq!(lone.missing.len(), COLUMNS.len() - 1);
    }

    #[test]
    fn a_row_becomes_the_fields_of_the_api() {
        let texts = [
            "三亚示例",
            "９１４６０２００ｍａ５ｔｐｋ０２ｘｘ",
            "2024年5月1日",
            "在园",
            "其他",
            "",
            "9610、110；1210 保税跨境贸易电子商务",
            "",
            "",
            "13900139000",
            "1,200.50",
            "12",
            "",
            "是",
            "",
        ];
        let row = row(&texts);
        let titles: Vec<&str> = COLUMNS.iter().map(|column| column.title).collect();
        let header = Header::read(&super::tests::row(&titles));
        let (input, wrong) = input(&header.cells(&row));
        assert_eq!(wrong, []);
        assert_eq!(input.credit_code.as_deref(), Some("91460200ma5tpk02xx"));
        assert_eq!(input.settled_on.as_deref(), Some("2024-05-01"));
        assert_eq!(input.status.as_deref(), Some("resident"));
        assert_eq!(input.regimes, Some(["9610", "0110", "1210"].map(str::to_owned).to_vec()));
        assert_eq!((input.office_area_sqm.as_deref(), input.above_scale), (Some("1200.5"), Some(true)));
        assert_eq!(input.products, None);
    }

    #[test]
    fn what_cannot_be_read_names_its_column() {
        let mut cells: Vec<Option<&Value>> = vec![None; COLUMNS.len()];
        let (number, word) =
            (Value::Number("1234567890123456789".to_owned()), Value::Text("大概".to_owned()));
        cells[1] = Some(&number);
        cells[11] = Some(&word);
        cells[13] = Some(&word);
        let (_, wrong) = input(&cells);
        let found: Vec<(usize, &str)> =
            wrong.iter().map(|wrong| (wrong.column.unwrap(), wrong.code.as_str())).collect();
        assert_eq!(found, [(1, "cell.not_text"), (11, "cell.not_a_number"), (13, "field.choice")]);
    }
}
