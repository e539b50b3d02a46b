//! Cells, rows and texts that are more or elsewhere than they may be.

use super::super::zips::{Zip, joined, shared_strings, sheet};
use super::super::{Formats, Limits, number, plain, read, read_with, reader, text};
use super::{ONE_CELL, expect, expect_memory, prose, workbook, zip_parts};

const CELLS: &str = "workbook.damaged";

#[tokio::test]
async fn a_cell_at_the_far_corner_and_a_lying_dimension_take_no_memory() {
    let corner = workbook(r#"<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#).finish();
    let rows = read(&corner).await.unwrap();
    assert_eq!(rows.iter().map(plain).collect::<Vec<_>>(), [(1_048_576, vec![(16_383, number("1"))])]);
    let lying = sheet(ONE_CELL).replace(r#"ref="A1""#, r#"ref="A1:XFD1048576""#);
    let no_dimension = sheet(ONE_CELL).replace(r#"ref="A1""#, r#"ref="nonsense""#);
    let formatted: String =
        joined((2..=200_000).map(|n| format!(r#"<row r="{n}"><c r="A{n}" s="1"/></row>"#)));
    let formula =
        r#"<row r="1"><c r="A1"><f t="shared" ref="A1:XFD1048576" si="4294967295">B1</f><v>1</v></c></row>"#;
    expect(vec![
        ("cell at the corner", corner, Ok(1)),
        ("lying dimension", Zip::workbook(&lying).finish(), Ok(1)),
        ("dimension of nonsense", Zip::workbook(&no_dimension).finish(), Ok(1)),
        ("no rows", workbook("").finish(), Ok(0)),
        ("200 000 formatted blank rows", workbook(&format!("{ONE_CELL}{formatted}")).finish(), Ok(1)),
        ("a shared formula with an endless number", workbook(formula).finish(), Ok(1)),
        ("a row below the last", workbook(r#"<row r="1048577"><c><v>1</v></c></row>"#).finish(), Err(CELLS)),
        ("a column right of the last", workbook(r#"<row r="1"><c r="XFE1"/></row>"#).finish(), Err(CELLS)),
        (
            "a column of many letters",
            workbook(r#"<row r="1"><c r="AAAAAAAAA1"/></row>"#).finish(),
            Err(CELLS),
        ),
        ("rows going up", workbook(r#"<row r="2"/><row r="1"/>"#).finish(), Err(CELLS)),
        ("one row twice", workbook(r#"<row r="1"/><row r="1"/>"#).finish(), Err(CELLS)),
        ("cells going left", workbook(r#"<row r="1"><c r="B1"/><c r="A1"/></row>"#).finish(), Err(CELLS)),
        ("a cell of another row", workbook(r#"<row r="1"><c r="A2"/></row>"#).finish(), Err(CELLS)),
        ("a cell in a cell", workbook(r#"<row r="1"><c><c/></c></row>"#).finish(), Err(CELLS)),
        ("a row in a row", workbook(r#"<row r="1"><row r="2"/></row>"#).finish(), Err(CELLS)),
        ("a text of no number", workbook(r#"<row r="1"><c t="s"><v>0</v></c></row>"#).finish(), Err(CELLS)),
    ])
    .await;
}

#[tokio::test]
async fn a_million_shared_texts_and_endless_counts_stay_on_disk() {
    let cell = r#"<row r="1"><c r="A1" t="s"><v>999999</v></c></row>"#;
    let with_strings = |cell: &str, strings: &str| {
        let mut zip = workbook(cell);
        zip.add("xl/sharedStrings.xml", strings.as_bytes());
        zip.finish()
    };
    let items: String = joined((0..1_000_000).map(|number| format!("<si><t>企业{number}</t></si>")));
    let million = with_strings(cell, &shared_strings(&items));
    let rows = read(&million).await.unwrap();
    assert_eq!(plain(&rows[0]), (1, vec![(0, text("企业999999"))]));
    let endless = shared_strings("<si><t>甲</t></si>").replace(r#"Count="1""#, r#"Count="4294967295""#);
    let first = r#"<row r="1"><c r="A1" t="s"><v>0</v></c></row>"#;
    let negative = r#"<row r="1"><c r="A1" t="s"><v>-1</v></c></row>"#;
    expect_memory();
    expect(vec![
        ("endless counts", with_strings(first, &endless), Ok(1)),
        ("a negative number", with_strings(negative, &endless), Err(CELLS)),
        ("no table at all", workbook(first).finish(), Err(CELLS)),
    ])
    .await;
}

#[tokio::test]
async fn more_rows_texts_and_sheets_than_fit_are_refused() {
    let full = prose(20_000);
    let cells: String = format!(r#"<c t="str"><v>{full}</v></c>"#).repeat(30);
    let names: String = joined((0..200).map(|n| format!(r#"<sheet name="{n}" sheetId="{n}" r:id="rId1"/>"#)));
    let mut many_sheets = Zip::default();
    for (name, content) in zip_parts() {
        let content =
            if name == "xl/workbook.xml" { format!("<workbook>{names}</workbook>") } else { content };
        many_sheets.add(&name, content.as_bytes());
    }
    expect(vec![
        (
            "a row of 30 long cells",
            workbook(&format!("<row>{cells}</row>")).finish(),
            Err("workbook.row_too_long"),
        ),
        ("200 sheets", many_sheets.finish(), Err("workbook.too_many_sheets")),
    ])
    .await;
    let rows: String = joined((1..=11).map(|n| format!(r#"<row r="{n}"><c><v>{n}</v></c></row>"#)));
    let reader = reader(Limits { rows_max: 10, ..Limits::default() });
    let code = read_with(&reader, &workbook(&rows).finish(), Formats::Xlsx).await.unwrap_err();
    assert_eq!(code, "workbook.too_many_rows");
}
