//! Files that mean harm: each is refused in words or read within bounds, and the reader lives.

use nix::sys::resource::{UsageWho, getrusage};

use super::zips::{Deflated, RELATIONSHIPS, SHEET_BEGIN, SHEET_END, WORKBOOK, Zip, local_header, sheet};
use super::{Formats, Limits, read, read_with, reader};

mod cells;
mod contents;

const MEBIBYTE: usize = 1024 * 1024;
const ONE_CELL: &str = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>甲</t></is></c></row>"#;

/// Reads every file of a list and says which answers are not the expected ones. Nothing is left in the folder for
/// spilled data, and no child has ever held more than its limit.
async fn expect(files: Vec<(&str, Vec<u8>, Result<usize, &'static str>)>) {
    let scratch = tempfile::tempdir().unwrap();
    let reader = reader(Limits::default()).with_scratch(scratch.path().to_path_buf());
    let mut unlike = Vec::new();
    for (name, bytes, expected) in files {
        let found = read_with(&reader, &bytes, Formats::XlsxOrCsv).await.map(|(_, rows)| rows.len());
        if found != expected {
            unlike.push(format!("{name}: {found:?} instead of {expected:?}"));
        }
        assert_eq!(scratch.path().read_dir().unwrap().count(), 0, "{name} left a file behind");
    }
    assert!(unlike.is_empty(), "{unlike:#?}");
    expect_memory();
}

fn expect_memory() {
    let peak_kibibytes = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    assert!(peak_kibibytes <= 256 * 1024, "a child held {peak_kibibytes} KiB");
}

fn workbook(rows: &str) -> Zip {
    Zip::workbook(&sheet(rows))
}

/// The usual parts and a sheet of this data.
fn workbook_of(data: &Deflated) -> Zip {
    let mut zip = Zip::workbook_without_sheet();
    zip.add_deflated("xl/worksheets/sheet1.xml", data);
    zip
}

fn bomb(block: &[u8], times: u32) -> Deflated {
    Deflated::repeated(SHEET_BEGIN.as_bytes(), block, times, SHEET_END.as_bytes())
}

/// Bits that do not repeat.
fn noise() -> impl Iterator<Item = u64> {
    std::iter::successors(Some(1_u64), |state| {
        Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
    .map(|state| state >> 33)
}

/// A mebibyte of empty elements that deflates to a seventieth: within the ratio, so that only its size can tell.
fn dense_block() -> Vec<u8> {
    let mut block = Vec::with_capacity(MEBIBYTE + 256);
    for bits in noise() {
        let blanks: String = (0..8).map(|bit| if bits >> bit & 1 == 1 { '\t' } else { ' ' }).collect();
        block.extend(format!("<x/>{blanks}{:200}", "").bytes());
        if block.len() >= MEBIBYTE {
            break;
        }
    }
    block
}

/// So many Chinese characters that do not repeat.
fn prose(characters: usize) -> String {
    noise()
        .map(|bits| char::from_u32(0x4E00 + u32::try_from(bits % 20_000).unwrap()).unwrap())
        .take(characters)
        .collect()
}

#[tokio::test]
async fn a_zip_that_inflates_too_far_is_refused_before_and_while_it_does() {
    let spaces = vec![b' '; MEBIBYTE];
    let by_ratio = bomb(&spaces, 300);
    let dense = dense_block();
    let by_size = bomb(&dense, 300);
    let mut in_parts = workbook(ONE_CELL);
    in_parts.add_deflated("xl/a.xml", &by_size).add_deflated("xl/b.xml", &by_size);
    let lying = |data: &Deflated| {
        let mut zip = workbook_of(data);
        zip.but(|listed| listed.inflated = 10_000);
        zip.finish()
    };
    let mut strings = workbook(ONE_CELL);
    strings.add_deflated(
        "xl/sharedStrings.xml",
        &Deflated::repeated(b"<sst>", &vec![b' '; MEBIBYTE], 300, b"</sst>"),
    );
    strings.but(|listed| listed.inflated = 1_000);
    let mut unread = workbook(ONE_CELL);
    unread.add_deflated("xl/media/image1.png", &bomb(&spaces, 300)).but(|listed| listed.inflated = 1_000);
    expect(vec![
        ("bomb by ratio", workbook_of(&by_ratio).finish(), Err("workbook.ratio")),
        ("bomb by ratio that states little", lying(&by_ratio), Err("workbook.damaged")),
        ("bomb by size in parts", in_parts.finish(), Err("workbook.inflates_too_far")),
        ("bomb by size that states little", lying(&by_size), Err("workbook.damaged")),
        ("bomb in shared texts that states little", strings.finish(), Err("workbook.damaged")),
        ("bomb in a part that is never inflated", unread.finish(), Ok(1)),
        ("a large sheet of blanks within all limits", workbook_of(&bomb(&dense, 100)).finish(), Ok(0)),
    ])
    .await;
}

#[tokio::test]
async fn a_zip_whose_directory_lies_is_refused() {
    let good = workbook(ONE_CELL);
    let changed = |change: fn(&mut super::zips::Listed)| {
        let mut zip = workbook(ONE_CELL);
        zip.but(change);
        zip.finish()
    };
    let named = |name: &str| {
        let mut zip = workbook(ONE_CELL);
        zip.add(name, b"<x/>");
        zip.finish()
    };
    let mut crowded = workbook(ONE_CELL);
    for number in 0..1_500 {
        crowded.add(&format!("xl/media/{number}"), b"");
    }
    // A part whose stored content is another part, header and all.
    let mut nested = workbook(ONE_CELL);
    let inner_data = Deflated::of(b"<x/>");
    let mut inner = nested.listed.last().unwrap().clone();
    inner.name = b"xl/inner.xml".to_vec();
    (inner.checksum, inner.inflated) = (inner_data.checksum, inner_data.inflated);
    inner.compressed = u32::try_from(inner_data.bytes.len()).unwrap();
    let content = [local_header(&inner), inner_data.bytes].concat();
    let mut outer = inner.clone();
    (outer.name, outer.method) = (b"xl/outer.bin".to_vec(), 0);
    (outer.compressed, outer.inflated) =
        (u32::try_from(content.len()).unwrap(), u32::try_from(content.len()).unwrap());
    outer.local_at = u32::try_from(nested.bytes.len()).unwrap();
    let header = local_header(&outer);
    inner.local_at = outer.local_at + u32::try_from(header.len()).unwrap();
    nested.bytes.extend([header, content].concat());
    nested.listed.extend([outer, inner]);
    let mut twice = workbook(ONE_CELL);
    twice.add("xl/worksheets/sheet1.xml", sheet("").as_bytes());
    let mut zip_in_zip = workbook(ONE_CELL);
    zip_in_zip.add("xl/embeddings/inner.xlsx", &good.finish());
    expect(vec![
        ("many entries", crowded.finish(), Err("workbook.too_many_parts")),
        ("fewer entries than are there", good.finish_with(3), Err("workbook.damaged")),
        ("more entries than are there", good.finish_with(9), Err("workbook.damaged")),
        ("nested parts", nested.finish(), Err("workbook.overlapping_parts")),
        ("a zip in a zip", zip_in_zip.finish(), Ok(1)),
        ("one name twice", twice.finish(), Err("workbook.duplicate_part")),
        (
            "one name twice, in another case",
            named("XL/Worksheets/Sheet1.xml"),
            Err("workbook.duplicate_part"),
        ),
        ("a name that climbs", named("../../etc/cron.d/evil"), Err("workbook.unsafe_name")),
        ("a name that climbs inside", named("xl/../../evil.xml"), Err("workbook.unsafe_name")),
        ("an absolute name", named("/etc/passwd"), Err("workbook.unsafe_name")),
        ("a name for Windows", named("xl\\..\\evil.xml"), Err("workbook.unsafe_name")),
        ("a name with a drive", named("C:evil.xml"), Err("workbook.unsafe_name")),
        ("a name with a NUL", named("xl/a\0.xml"), Err("workbook.unsafe_name")),
        ("inflated size too small", changed(|l| l.inflated -= 1), Err("workbook.damaged")),
        ("inflated size too large", changed(|l| l.inflated += 1), Err("workbook.damaged")),
        ("compressed size too small", changed(|l| l.compressed -= 9), Err("workbook.damaged")),
        (
            "compressed size beyond the file",
            changed(|l| l.compressed = u32::MAX - 1),
            Err("workbook.damaged"),
        ),
        ("wrong checksum", changed(|l| l.checksum ^= 1), Err("workbook.damaged")),
        ("local header elsewhere", changed(|l| l.local_at += 4), Err("workbook.damaged")),
        ("local header beyond the file", changed(|l| l.local_at = u32::MAX - 1), Err("workbook.damaged")),
        ("sizes in a field that is not there", changed(|l| l.inflated = u32::MAX), Err("workbook.damaged")),
        ("another method", changed(|l| l.method = 12), Err("workbook.damaged")),
        ("an encrypted part", changed(|l| l.flags = 1), Err("workbook.encrypted")),
    ])
    .await;
}

#[tokio::test]
async fn a_file_that_is_cut_off_or_changed_is_refused_and_never_kills_the_reader() {
    let good = workbook(ONE_CELL).finish();
    for length in (0..good.len()).step_by(37) {
        let code = read(&good[..length]).await.unwrap_err();
        let expected = match length {
            0 => "workbook.empty",
            _ => "workbook.damaged",
        };
        assert_eq!(code, expected, "cut off after {length} bytes");
    }
    let mut state = 7_usize;
    for _ in 0..150 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let (at, bit) = ((state >> 33) % good.len(), (state >> 20) % 8);
        let mut bytes = good.clone();
        bytes[at] ^= 1 << bit;
        if let Err(code) = read(&bytes).await {
            assert_ne!(code, "workbook.unreadable", "bit {bit} of byte {at} killed the reader");
        }
    }
}

fn zip_parts() -> Vec<(String, String)> {
    let types = r#"<Types><Default Extension="xml" ContentType="application/xml"/></Types>"#;
    let package = r#"<Relationships><Relationship Id="a" Type="urn:example/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    [
        ("[Content_Types].xml", types.to_owned()),
        ("_rels/.rels", package.to_owned()),
        ("xl/workbook.xml", WORKBOOK.to_owned()),
        ("xl/_rels/workbook.xml.rels", RELATIONSHIPS.to_owned()),
        ("xl/worksheets/sheet1.xml", sheet(ONE_CELL)),
    ]
    .map(|(name, content)| (name.to_owned(), content))
    .to_vec()
}

/// The usual workbook with one part replaced.
fn with_part(replaced: &str, from: &str, to: &str) -> Vec<u8> {
    let mut zip = Zip::default();
    for (name, content) in zip_parts() {
        let content = if name == replaced { content.replace(from, to) } else { content };
        zip.add(&name, content.as_bytes());
    }
    zip.finish()
}
