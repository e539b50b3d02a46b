//! Workbooks of ours, read back.

use std::fs::File;
use std::io::Read;

use chrono::{DateTime, NaiveDate};
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use super::{Formats, Limits, Row, Sheet, Value, number, plain, reader, text};
use crate::sheet::clean;
use crate::sheet::container::Container;
use crate::sheet::{Column, ColumnKind, Entry, Page, Provenance, WorkbookWriter, WrittenWorkbook};

fn columns() -> Vec<Column> {
    let money = ColumnKind::Number { places: 2 };
    vec![
        Column { is_required: true, is_open: true, ..Column::new("企业名称", 30.0, ColumnKind::Text) },
        Column {
            options: vec!["在园".to_owned(), "迁出".to_owned()],
            note: Some("从下拉列表中选择".to_owned()),
            ..Column::new("入驻状态", 10.0, ColumnKind::Text)
        },
        Column::new("入驻日期", 12.0, ColumnKind::Date),
        Column::new("上年交易额(万元)", 16.0, money),
    ]
}

fn provenance() -> Provenance {
    Provenance {
        exported_by: "三亚园区甲".to_owned(),
        exported_at: DateTime::from_timestamp(1_777_600_000, 0).unwrap(),
        lines: vec![("筛选条件".to_owned(), "=全部".to_owned())],
    }
}

fn roster(names: &[&str]) -> WrittenWorkbook {
    let mut writer = WorkbookWriter::new("企业名录", DateTime::UNIX_EPOCH);
    let page = Page { lines: vec!["2026 年度".to_owned()], is_landscape: true, is_protected: true };
    let mut table = writer.table("企业", &page, &columns()).unwrap();
    let day = NaiveDate::from_ymd_opt(2026, 5, 1).unwrap();
    for name in names {
        let entries =
            [Entry::Text(name), Entry::Blank, Entry::Date(day), Entry::Number(Decimal::new(8_625_040, 2))];
        table.row(&entries).unwrap();
    }
    writer.hidden_sheet("元数据", &[("cycle", "0192"), ("park", "0193")]).unwrap();
    writer.provenance(&provenance()).unwrap();
    writer.finish().unwrap()
}

async fn read_back(file: File) -> (Vec<Sheet>, Vec<Row>) {
    let mut workbook = reader(Limits::default()).open(file, Formats::Xlsx).await.unwrap();
    let mut rows = Vec::new();
    while let Some(row) = workbook.next_row().await.unwrap() {
        rows.push(row);
    }
    (workbook.sheets.clone(), rows)
}

fn part(file: &File, name: &str) -> String {
    let container = Container::open(file.try_clone().unwrap(), &Limits::default()).unwrap();
    let mut content = String::new();
    container.part(name).unwrap().read_to_string(&mut content).unwrap();
    content
}

#[tokio::test]
async fn what_is_written_is_read_back() {
    let names = ["三亚甲有限公司", "=HYPERLINK(\"x\")", "+86 138", "0012", "第一行\n第二行\t\u{1}"];
    let written = roster(&names);
    let (sheets, rows) = read_back(written.file).await;
    let listed: Vec<_> = sheets.iter().map(|sheet| (sheet.name.as_str(), sheet.is_hidden)).collect();
    assert_eq!(listed, [("企业", false), ("元数据", true), ("导出说明", false)]);
    let table: Vec<&Row> = rows.iter().filter(|row| row.sheet == 0).collect();
    assert_eq!(plain(table[0]), (1, vec![(0, text("2026 年度"))]));
    let header = ["企业名称", "入驻状态", "入驻日期", "上年交易额(万元)"];
    assert_eq!(plain(table[1]), (2, (0..).zip(header.map(text)).collect()));
    let day = Value::Date(NaiveDate::from_ymd_opt(2026, 5, 1).unwrap().into());
    for (row, name) in table[2..].iter().zip(names) {
        let safe = clean::disarmed(name).into_owned();
        let cells = vec![(0, Value::Text(safe)), (2, day.clone()), (3, number("86250.4"))];
        assert_eq!(plain(row).1, cells);
        assert!(!row.cells[0].is_formula);
        let understood = clean::text(&row.cells[0].value).unwrap();
        assert_eq!(understood, clean::trimmed(name));
    }
    let hidden: Vec<_> = rows.iter().filter(|row| row.sheet == 1).map(|row| plain(row).1).collect();
    assert_eq!(hidden, [[(0, text("cycle")), (1, text("0192"))], [(0, text("park")), (1, text("0193"))]]);
}

#[tokio::test]
async fn the_checksums_can_be_made_again_by_whoever_has_the_file() {
    let mut written = roster(&["三亚甲有限公司", "两行\n一格"]);
    let mut bytes = Vec::new();
    written.file.read_to_end(&mut bytes).unwrap();
    assert_eq!(written.bytes, bytes.len() as u64);
    assert_eq!(written.sha256, hex::encode(Sha256::digest(&bytes)));
    let content = "企业名称\t入驻状态\t入驻日期\t上年交易额(万元)\n\
                   三亚甲有限公司\t\t2026-05-01\t86250.40\n两行 一格\t\t2026-05-01\t86250.40\n";
    assert_eq!(written.content_sha256, hex::encode(Sha256::digest(content)));
    let (_, rows) = read_back(super::spooled(&bytes)).await;
    let said: Vec<_> = rows.iter().filter(|row| row.sheet == 2).map(|row| plain(row).1).collect();
    assert!(said.contains(&vec![(0, text("内容校验值（SHA-256）")), (1, text(&written.content_sha256))]));
    assert!(said.contains(&vec![(0, text("导出人")), (1, text("三亚园区甲"))]));
    assert!(said.contains(&vec![(0, text("导出时间")), (1, text("2026-05-01 09:46:40（北京时间）"))]));
    assert!(said.contains(&vec![(0, text("筛选条件")), (1, text("'=全部"))]));
    let again = roster(&["三亚甲有限公司", "两行\n一格"]);
    assert_eq!(again.sha256, written.sha256, "the same content made at the same time is the same file");
    assert_ne!(roster(&["三亚乙有限公司"]).content_sha256, written.content_sha256);
}

#[test]
fn a_template_is_locked_but_for_what_is_to_be_filled_in() {
    let written = roster(&[]);
    let sheet = part(&written.file, "xl/worksheets/sheet1.xml");
    for expected in [
        "<sheetProtection ",
        r#"<pane ySplit="2" "#,
        r#"orientation="landscape""#,
        r#"fitToHeight="0""#,
        "第 &amp;P 页，共 &amp;N 页",
        r#"sqref="B3:B1048576"><formula1>"在园,迁出"</formula1>"#,
    ] {
        assert!(sheet.contains(expected), "no {expected} in {sheet}");
    }
    let styles = part(&written.file, "xl/styles.xml");
    assert!(styles.contains(r#"<protection locked="0"/>"#), "{styles}");
    let notes = part(&written.file, "xl/comments1.xml");
    assert!(notes.contains("必填。") && notes.contains("从下拉列表中选择"), "{notes}");
    let workbook = part(&written.file, "xl/workbook.xml");
    assert!(
        workbook.contains(r#"state="veryHidden""#) && workbook.contains("_xlnm.Print_Titles"),
        "{workbook}"
    );
}

#[tokio::test]
async fn long_drop_downs_stand_on_a_hidden_sheet_once_each() {
    let mut writer = WorkbookWriter::new("填报", DateTime::UNIX_EPOCH);
    let mut table = writer.table("A 基础", &Page::default(), &columns()).unwrap();
    let long: Vec<String> = (0..100).map(|n| format!("选项{n}")).collect();
    let with_comma = vec!["甲,乙".to_owned()];
    for options in [&long, &with_comma, &long] {
        table.row(&[Entry::Text("指标")]).unwrap();
        table.restrict(1, options).unwrap();
    }
    let written = writer.finish().unwrap();
    let sheet = part(&written.file, "xl/worksheets/sheet1.xml");
    let long_rule = "<formula1>'选项'!$A$1:$A$100</formula1>";
    assert_eq!(sheet.matches(long_rule).count(), 2, "{sheet}");
    assert!(
        sheet.contains(r#"sqref="B2""#) && sheet.contains("<formula1>'选项'!$B$1:$B$1</formula1>"),
        "{sheet}"
    );
    let (sheets, rows) = read_back(written.file).await;
    assert!(sheets[1].is_hidden);
    assert_eq!(rows.iter().filter(|row| row.sheet == 1).count(), 100);
}

#[tokio::test]
async fn numbers_keep_their_digits_and_rows_their_width() {
    let mut writer = WorkbookWriter::new("数字", DateTime::UNIX_EPOCH);
    let kind = ColumnKind::Number { places: 0 };
    let mut table = writer.table("数字", &Page::default(), &[Column::new("数", 20.0, kind)]).unwrap();
    let exact: Decimal = "999999999999999".parse().unwrap();
    let beyond: Decimal = "1234567890123456789".parse().unwrap();
    for number in [Decimal::new(1, 1), Decimal::new(-25, 2), exact, beyond] {
        table.row(&[Entry::Number(number)]).unwrap();
    }
    let error = table.row(&[Entry::Blank, Entry::Blank]).unwrap_err();
    assert_eq!(error.to_string(), "a row has 2 cells and the sheet 1 columns");
    let (_, rows) = read_back(writer.finish().unwrap().file).await;
    let values: Vec<Value> = rows[1..].iter().map(|row| row.cells[0].value.clone()).collect();
    let expected = [number("0.1"), number("-0.25"), number("999999999999999"), text("1234567890123456789")];
    assert_eq!(values, expected);
}
