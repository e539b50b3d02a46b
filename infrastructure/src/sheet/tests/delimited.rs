//! Text with commas.

use encoding_rs::GB18030;

use super::{plain, read, text};

const LIST: &str = "企业名称,统一社会信用代码,备注\r\n三亚甲有限公司,91460200MA5T000001,\"第一行\n第二行,\"\"引\"\"\"\r\n\r\n镕𠮷公司,0012,\r\n";

fn expected() -> Vec<(u32, Vec<(u16, super::Value)>)> {
    let row = |number, cells: &[(u16, &str)]| {
        (number, cells.iter().map(|(column, cell)| (*column, text(cell))).collect())
    };
    vec![
        row(1, &[(0, "企业名称"), (1, "统一社会信用代码"), (2, "备注")]),
        row(2, &[(0, "三亚甲有限公司"), (1, "91460200MA5T000001"), (2, "第一行\n第二行,\"引\"")]),
        // Row 3 is blank, and Excel counts it.
        row(4, &[(0, "镕𠮷公司"), (1, "0012")]),
    ]
}

async fn rows(bytes: &[u8]) -> Result<Vec<(u32, Vec<(u16, super::Value)>)>, &'static str> {
    Ok(read(bytes).await?.iter().map(plain).collect())
}

#[tokio::test]
async fn a_list_reads_the_same_in_every_encoding_and_with_every_line_end() {
    let (gb18030, _, had_errors) = GB18030.encode(LIST);
    assert!(!had_errors);
    let with_mark = [b"\xEF\xBB\xBF".as_slice(), LIST.as_bytes()].concat();
    let old_mac = LIST.replace("\r\n", "\r");
    for (name, bytes) in [
        ("UTF-8", LIST.as_bytes()),
        ("UTF-8 with a mark", &with_mark),
        ("GB18030", &gb18030),
        ("line feeds", LIST.replace("\r\n", "\n").as_bytes()),
        ("carriage returns", old_mac.as_bytes()),
        ("no end of the last line", LIST.trim_end().trim_end_matches(',').as_bytes()),
    ] {
        assert_eq!(rows(bytes).await, Ok(expected()), "{name}");
    }
}

#[tokio::test]
async fn long_lists_keep_characters_that_lie_across_buffers() {
    let lines: Vec<String> = (0..20_000).map(|n| format!("三亚第{n}家企业")).collect();
    let utf8 = lines.join("\n");
    let (gb18030, _, _) = GB18030.encode(&utf8);
    for bytes in [utf8.as_bytes(), &gb18030] {
        let found = read(bytes).await.unwrap();
        assert_eq!(found.len(), lines.len());
        for (n, (row, line)) in (1..).zip(found.iter().zip(&lines)) {
            assert_eq!(plain(row), (n, vec![(0, text(line))]));
        }
    }
}

#[tokio::test]
async fn text_that_cannot_be_told_is_refused() {
    let long_row = format!("{}\n", "字,".repeat(400_000));
    let long_cell = "字".repeat(32_768);
    let cut_off = &"三亚".as_bytes()[..5];
    for (name, bytes, code) in [
        ("UTF-16", b"\xFF\xFEa\0,\0".as_slice(), "workbook.encoding"),
        ("neither encoding", b"name\n\xFF\xFF\xFF\n", "workbook.encoding"),
        ("cut off in a character", cut_off, "workbook.encoding"),
        (
            "a control character at the end",
            &[b"a,b\n".repeat(500).as_slice(), b"\x01\n"].concat(),
            "workbook.wrong_type",
        ),
        ("a row of 1 MiB", long_row.as_bytes(), "workbook.row_too_long"),
        ("a cell too long", long_cell.as_bytes(), "workbook.cell_too_long"),
        ("a quotation mark never closed", b"a,b\nc,\"d\ne,f\n", "workbook.unclosed_quote"),
        (
            "one that swallows more than a row",
            &[b"\"".as_slice(), &b"a,b\n".repeat(400_000)].concat(),
            "workbook.row_too_long",
        ),
    ] {
        assert_eq!(rows(bytes).await.map(|rows| rows.len()), Err(code), "{name}");
    }
    // A quotation mark inside of a cell that is not quoted is a character.
    assert_eq!(rows(b"5\" disk,1\n").await, Ok(vec![(1, vec![(0, text("5\" disk")), (1, text("1"))])]));
}

#[tokio::test]
async fn the_row_of_an_open_quotation_mark_is_named() {
    let file = super::spooled("a,b\n\n\"c\nd\",e\nf,\"g\nh".as_bytes());
    let mut workbook =
        super::reader(super::Limits::default()).open(file, super::Formats::XlsxOrCsv).await.unwrap();
    let refusal = loop {
        match workbook.next_row().await {
            Ok(row) => assert!(row.is_some(), "the text ended well"),
            Err(error) => break error.to_string(),
        }
    };
    assert_eq!(refusal, "第 4 行有未闭合的双引号");
}
