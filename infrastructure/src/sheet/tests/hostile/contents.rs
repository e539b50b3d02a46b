//! Parts that are not what they should be, and files that are no workbooks.

use super::super::zips::{SHEET_BEGIN, Zip, shared_strings, sheet};
use super::super::{Formats, Limits, read_with, reader};
use super::{MEBIBYTE, ONE_CELL, expect, prose, with_part, workbook};

#[tokio::test]
async fn document_types_entities_and_broken_xml_are_refused() {
    let declared = |declaration: &str, rows: &str| {
        Zip::workbook(&sheet(rows).replace("<worksheet", &format!("{declaration}<worksheet"))).finish()
    };
    let laughs = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"#;
    let outside = r#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>"#;
    let cell = |content: &str| format!(r#"<row r="1"><c r="A1" t="str"><v>{content}</v></c></row>"#);
    let mut in_strings = workbook(ONE_CELL);
    in_strings.add("xl/sharedStrings.xml", format!("{laughs}{}", shared_strings("")).as_bytes());
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let long = prose(400_000);
    let wide: Vec<u8> = sheet(ONE_CELL).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut in_utf16 = Zip::workbook_without_sheet();
    in_utf16.add("xl/worksheets/sheet1.xml", &[b"\xFF\xFE".as_slice(), &wide].concat());
    expect(vec![
        ("entity bomb", declared(laughs, &cell("&b;")), Err("workbook.doctype")),
        ("entity bomb in shared texts", in_strings.finish(), Err("workbook.doctype")),
        ("an entity of a file", declared(outside, &cell("&a;")), Err("workbook.doctype")),
        ("an entity nobody declared", workbook(&cell("&a;")).finish(), Err("workbook.doctype")),
        ("deep nesting", workbook(&deep).finish(), Err("workbook.damaged")),
        ("never closed", Zip::workbook(SHEET_BEGIN).finish(), Err("workbook.damaged")),
        ("closed twice", workbook("</row>").finish(), Err("workbook.damaged")),
        ("not XML", Zip::workbook("\u{FEFF}nothing <").finish(), Err("workbook.damaged")),
        ("UTF-16", in_utf16.finish(), Err("workbook.damaged")),
        ("a character that is none", workbook(&cell("&#xD800;")).finish(), Err("workbook.damaged")),
        ("a cell too long", workbook(&cell(&"字".repeat(32_768))).finish(), Err("workbook.cell_too_long")),
        ("a full cell", workbook(&cell(&"字".repeat(32_767))).finish(), Ok(1)),
        ("a cell of 1.2 MB", workbook(&cell(&long)).finish(), Err("workbook.cell_too_long")),
        ("a comment of 1.2 MB", workbook(&format!("<!--{long}-->")).finish(), Err("workbook.cell_too_long")),
        ("a tag of 1.2 MB", workbook(&format!("<row {long}/>")).finish(), Err("workbook.cell_too_long")),
    ])
    .await;
}

#[tokio::test]
async fn macros_and_links_to_elsewhere_are_refused_hyperlinks_are_not() {
    let with = |name: &str| {
        let mut zip = workbook(ONE_CELL);
        zip.add(name, b"<x/>");
        zip.finish()
    };
    let relationships = "xl/_rels/workbook.xml.rels";
    let link = r#"<Relationship Id="e" Type="urn:example/externalLink" Target="other.xml"/></Relationships>"#;
    let outside = r#"Target="http://elsewhere.example/sheet.xml" TargetMode="External""#;
    expect(vec![
        ("macros", with("xl/vbaProject.bin"), Err("workbook.macros")),
        ("macros in another case", with("xl/VBAPROJECT.BIN"), Err("workbook.macros")),
        ("old macros", with("xl/macrosheets/sheet1.xml"), Err("workbook.macros")),
        ("controls", with("xl/activeX/activeX1.xml"), Err("workbook.macros")),
        (
            "macros by type",
            with_part(
                "[Content_Types].xml",
                "application/xml",
                "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
            ),
            Err("workbook.macros"),
        ),
        ("a link to a workbook", with("xl/externalLinks/externalLink1.xml"), Err("workbook.external_links")),
        ("a database", with("xl/connections.xml"), Err("workbook.external_links")),
        (
            "a link by relationship",
            with_part(relationships, "</Relationships>", link),
            Err("workbook.external_links"),
        ),
        (
            "a sheet from elsewhere",
            with_part(relationships, r#"Target="worksheets/sheet1.xml""#, outside),
            Err("workbook.external_links"),
        ),
        (
            "a sheet that climbs",
            with_part(relationships, "worksheets/sheet1.xml", "../../x"),
            Err("workbook.external_links"),
        ),
        (
            "a sheet that is not there",
            with_part(relationships, "sheet1.xml", "sheet9.xml"),
            Err("workbook.damaged"),
        ),
        ("a hyperlink in a sheet", with("xl/worksheets/_rels/sheet1.xml.rels"), Ok(1)),
    ])
    .await;
}

#[tokio::test]
async fn what_is_not_a_workbook_is_told_by_its_content() {
    let compound = |stream: &str| {
        let mut bytes = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
        bytes.resize(70_000, 0);
        bytes.extend(stream.encode_utf16().flat_map(u16::to_le_bytes));
        bytes.resize(80_000, 0);
        bytes
    };
    let zip_of = |name: &str| {
        let mut zip = Zip::default();
        zip.add("[Content_Types].xml", b"<Types/>")
            .add("_rels/.rels", b"<Relationships/>")
            .add(name, b"<x/>");
        zip.finish()
    };
    let mut photos = Zip::default();
    photos.add("photo.jpg", b"...");
    expect(vec![
        ("nothing", Vec::new(), Err("workbook.empty")),
        ("encrypted", compound("EncryptedPackage"), Err("workbook.encrypted")),
        ("xls", compound("Workbook"), Err("workbook.xls")),
        ("doc", compound("WordDocument"), Err("workbook.wrong_type")),
        ("other old file", compound("Other"), Err("workbook.wrong_type")),
        ("pdf", b"%PDF-1.7\n%\xE2\xE3".to_vec(), Err("workbook.wrong_type")),
        ("png", b"\x89PNG\r\n\x1A\n".to_vec(), Err("workbook.wrong_type")),
        ("rar", b"Rar!\x1A\x07".to_vec(), Err("workbook.wrong_type")),
        ("web page", "\u{FEFF} <html><table>".into(), Err("workbook.wrong_type")),
        ("docx", zip_of("word/document.xml"), Err("workbook.wrong_type")),
        ("pptx", zip_of("ppt/presentation.xml"), Err("workbook.wrong_type")),
        ("xlsb", zip_of("xl/workbook.bin"), Err("workbook.wrong_type")),
        ("no workbook inside", zip_of("xl/other.xml"), Err("workbook.damaged")),
        ("photos", photos.finish(), Err("workbook.wrong_type")),
        ("empty zip", [b"PK\x05\x06".as_slice(), &[0; 18]].concat(), Err("workbook.wrong_type")),
        (
            "noise",
            (0..9_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect(),
            Err("workbook.wrong_type"),
        ),
        ("larger than may be", vec![b'a'; 10 * MEBIBYTE + 1], Err("workbook.too_large")),
    ])
    .await;
    let reader = reader(Limits::default());
    let code = read_with(&reader, "名称,代码\n".as_bytes(), Formats::Xlsx).await.unwrap_err();
    assert_eq!(code, "workbook.wrong_type");
}
