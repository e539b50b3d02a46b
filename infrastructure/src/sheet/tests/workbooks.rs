//! Workbooks of people and of other programs.

use std::io::{Cursor, Read};

use calamine::{Data, DataType, Reader as _, Xlsx};
use chrono::{NaiveDate, NaiveDateTime};
use rust_xlsxwriter::{Format, Formula, Workbook};

use super::zips::{RELATIONSHIPS, Zip, shared_strings, sheet};
use super::{Formats, Limits, Value, number, plain, read, read_with, reader, text};
use crate::sheet::{column_letters, number as numbers};

fn day(year: i32, month: u32, day: u32) -> Value {
    Value::Date(NaiveDate::from_ymd_opt(year, month, day).unwrap().into())
}

#[test]
fn columns_have_letters() {
    for (column, letters) in
        [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")]
    {
        assert_eq!(column_letters(column), letters);
    }
}

#[tokio::test]
async fn every_kind_of_cell_is_read_as_what_it_is() {
    let styles = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m&quot;月&quot;"/></numFmts>
        <cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
        <cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="46"/></cellXfs></styleSheet>"#;
    let strings = shared_strings(
        "<si><t>甲</t></si><si><r><t>a</t></r><r><t xml:space=\"preserve\"> b</t></r><rPh><t>kana</t></rPh></si>",
    );
    let rows = r#"
        <row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is><t>&lt;丙&gt;</t></is></c>
            <c r="D1" t="str"><f>"x"&amp;"y"</f><v>xy</v></c></row>
        <row r="3"><c r="A3"><v>86250.399999999994</v></c><c r="B3" s="1"><v>45413</v></c><c r="C3" s="2"><v>45413.75</v></c>
            <c r="D3" s="3"><v>1.5</v></c><c r="E3" s="99"><v>7</v></c></row>
        <row r="4"><c r="A4" t="b"><v>1</v></c><c r="B4" t="e"><v>#N/A</v></c><c r="C4" t="d"><v>2024-05-01</v></c>
            <c r="D4"><f>A1</f></c><c r="E4" s="1"/><c r="F4" t="str"><v></v></c></row>
        <row><c><v>1</v></c><c/><c t="n"><v>-2E-3</v></c></row>
        <row r="9" s="1"/>"#;
    let extra =
        "<conditionalFormatting><cfRule><f>1</f><v>2</v></cfRule></conditionalFormatting></worksheet>";
    let mut zip = Zip::workbook(&sheet(rows).replace("</worksheet>", extra));
    zip.add("xl/sharedStrings.xml", strings.as_bytes()).add("xl/styles.xml", styles.as_bytes());
    let found = read(&zip.finish()).await.unwrap();
    let evening = NaiveDate::from_ymd_opt(2024, 5, 1).unwrap().and_hms_opt(18, 0, 0).unwrap();
    assert_eq!(
        found.iter().map(plain).collect::<Vec<_>>(),
        [
            (1, vec![(0, text("甲")), (1, text("a b")), (2, text("<丙>")), (3, text("xy"))]),
            (
                3,
                vec![
                    (0, number("86250.4")),
                    (1, day(2024, 5, 1)),
                    (2, Value::Date(evening)),
                    (3, number("1.5")),
                    (4, number("7")),
                ]
            ),
            (
                4,
                vec![
                    (0, Value::Boolean(true)),
                    (1, Value::Error("#N/A".to_owned())),
                    (2, day(2024, 5, 1)),
                    (3, text("")),
                ]
            ),
            (5, vec![(0, number("1")), (2, number("-0.002"))]),
        ]
    );
    let formulas: Vec<(u32, u16)> = found
        .iter()
        .flat_map(|row| row.cells.iter().filter(|cell| cell.is_formula).map(|cell| (row.number, cell.column)))
        .collect();
    assert_eq!(formulas, [(1, 3), (4, 3)]);
    assert_eq!(found[1].cell(2).map(|cell| cell.column), Some(2));
    assert_eq!(found[3].cell(1), None);
}

#[tokio::test]
async fn sheets_are_named_hidden_ones_said_so_and_charts_left_out() {
    let mut zip = Zip::default();
    let original = Zip::workbook_without_sheet();
    assert_eq!(original.listed.len(), 4);
    zip.add("[Content_Types].xml", b"<Types/>").add(
        "_rels/.rels",
        br#"<Relationships><Relationship Id="a" Type="urn:example/officeDocument" Target="/xl/workbook.xml"/></Relationships>"#,
    );
    let workbook = r#"<x:workbook xmlns:x="urn:example:main"><x:workbookPr date1904="1"/><x:sheets>
        <x:sheet name="甲 &amp; 乙" sheetId="1" rel:id="rId1"/><x:sheet name="图" sheetId="2" rel:id="rId8"/>
        <x:sheet name="元数据" sheetId="3" state="veryHidden" rel:id="rId9"/></x:sheets></x:workbook>"#;
    let more = r#"<Relationship Id="rId8" Type="urn:example/chartsheet" Target="chartsheets/sheet1.xml"/>
        <Relationship Id="rId9" Type="urn:example/worksheet" Target="/xl/worksheets/sheet2.xml"/></Relationships>"#;
    let first = r#"<x:worksheet><x:sheetData><x:row r="2"><x:c r="B2" s="1"><x:v>43951</x:v></x:c></x:row></x:sheetData></x:worksheet>"#;
    zip.add("xl/workbook.xml", workbook.as_bytes())
        .add("xl/_rels/workbook.xml.rels", RELATIONSHIPS.replace("</Relationships>", more).as_bytes())
        .add(
            "xl/styles.xml",
            br#"<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#,
        )
        .add("XL/Worksheets/SHEET1.xml", first.as_bytes())
        .add("xl/worksheets/sheet2.xml", sheet(r#"<row r="1"><c r="A1"><v>7</v></c></row>"#).as_bytes());
    let (sheets, rows) = read_with(&reader(Limits::default()), &zip.finish(), Formats::Xlsx).await.unwrap();
    let names: Vec<_> = sheets.iter().map(|sheet| (sheet.name.as_str(), sheet.is_hidden)).collect();
    assert_eq!(names, [("甲 & 乙", false), ("元数据", true)]);
    let found: Vec<_> = rows.iter().map(|row| (row.sheet, plain(row))).collect();
    assert_eq!(found, [(0, (2, vec![(1, day(2024, 5, 1))])), (1, (1, vec![(0, number("7"))]))]);
}

/// A workbook with all that a program writes, larger than any buffer.
fn written_by_another_library() -> Vec<u8> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let date = Format::new().set_num_format("yyyy-mm-dd");
    for row in 0..2_000_u32 {
        let n = f64::from(row);
        sheet.write_string(row, 0, format!("三亚第{row}家<企业>\n_x000D_ & 公司")).unwrap();
        sheet.write_number(row, 1, n / 7.0).unwrap();
        sheet.write_number(row, 2, n * 1e12).unwrap();
        let day = NaiveDate::from_ymd_opt(1990, 1, 1).unwrap() + chrono::Days::new(row.into());
        sheet.write_datetime_with_format(row, 3, day, &date).unwrap();
        sheet.write_boolean(row, 4, row % 2 == 0).unwrap();
        sheet.write_formula(row, 5, Formula::new("=A1&B1").set_result(format!("{row}"))).unwrap();
        sheet.write_blank(row, 6, &date).unwrap();
        if row % 3 == 0 {
            sheet.write_string(row, 300, "重复").unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}

#[tokio::test]
async fn another_library_reads_the_same_cells() {
    let bytes = written_by_another_library();
    let found = read(&bytes).await.unwrap();
    let mut theirs: Xlsx<_> = Xlsx::new(Cursor::new(&bytes)).unwrap();
    let range = theirs.worksheet_range("Sheet1").unwrap();
    let mut cells = 0;
    for row in &found {
        for cell in &row.cells {
            let theirs = range.get_value((row.number - 1, cell.column.into())).unwrap();
            let is_same = match &cell.value {
                Value::Text(text) => theirs.get_string() == Some(text),
                Value::Number(digits) => theirs.get_float() == digits.parse().ok(),
                Value::Date(date) => {
                    theirs.get_datetime().and_then(|serial| numbers::date(serial.as_f64(), false))
                        == Some(NaiveDateTime::clone(date))
                }
                Value::Boolean(value) => theirs.get_bool() == Some(*value),
                Value::Error(_) => false,
            };
            assert!(
                is_same,
                "{}{}: {theirs:?} and {:?}",
                column_letters(cell.column),
                row.number,
                cell.value
            );
            cells += 1;
        }
    }
    let full = range.used_cells().filter(|(_, _, value)| **value != Data::Empty).count();
    assert_eq!(cells, full);
    assert!(cells > 12_000);
}

#[tokio::test]
async fn a_zip_with_wide_sizes_is_read() {
    // As Apache POI streams it: 64-bit fields everywhere, sizes after the data.
    let mut wide = Vec::new();
    let narrow = written_by_another_library();
    let mut archive = zip_entries(&narrow);
    let mut directory = Vec::new();
    for (name, data) in archive.drain(..) {
        let local_at = wide.len() as u64;
        wide.extend(b"PK\x03\x04\x2d\0\x08\0\x08\0\0\0\0\0");
        wide.extend([0; 4]);
        wide.extend([0xFF; 8]);
        wide.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        wide.extend(20_u16.to_le_bytes());
        wide.extend_from_slice(name.as_bytes());
        wide.extend([1, 0, 16, 0]);
        wide.extend([0; 16]);
        wide.extend_from_slice(&data.bytes);
        directory.extend(b"PK\x01\x02\x2d\0\x2d\0\x08\0\x08\0\0\0\0\0");
        directory.extend(data.checksum.to_le_bytes());
        directory.extend([0xFF; 8]);
        directory.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        directory.extend(28_u16.to_le_bytes());
        directory.extend([0; 10]);
        directory.extend([0xFF; 4]);
        directory.extend_from_slice(name.as_bytes());
        directory.extend([1, 0, 24, 0]);
        directory.extend(u64::from(data.inflated).to_le_bytes());
        directory.extend((data.bytes.len() as u64).to_le_bytes());
        directory.extend(local_at.to_le_bytes());
    }
    let (directory_at, entries) = (wide.len() as u64, zip_entries(&narrow).len() as u64);
    wide.extend_from_slice(&directory);
    let record_at = wide.len() as u64;
    wide.extend(b"PK\x06\x06");
    wide.extend(44_u64.to_le_bytes());
    wide.extend([0; 12]);
    for number in [entries, entries, directory.len() as u64, directory_at] {
        wide.extend(number.to_le_bytes());
    }
    wide.extend(b"PK\x06\x07\0\0\0\0");
    wide.extend(record_at.to_le_bytes());
    wide.extend(1_u32.to_le_bytes());
    wide.extend(b"PK\x05\x06\0\0\0\0");
    wide.extend([0xFF; 12]);
    wide.extend([0, 0]);
    assert_eq!(read(&wide).await.unwrap(), read(&narrow).await.unwrap());
}

/// Name and data of every part of a good zip.
fn zip_entries(bytes: &[u8]) -> Vec<(String, super::zips::Deflated)> {
    let container =
        crate::sheet::container::Container::open(super::spooled(bytes), &Limits::default()).unwrap();
    let mut names: Vec<String> = container.names().map(str::to_owned).collect();
    names.sort();
    let content = |name: &String| {
        let mut content = Vec::new();
        container.part(name).unwrap().read_to_end(&mut content).unwrap();
        super::zips::Deflated::of(&content)
    };
    names.iter().map(|name| (name.clone(), content(name))).collect()
}
