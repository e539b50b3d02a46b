//! Given, when, then: a file comes in once; and what is recognised, bounded and called how.

use strum::IntoEnumIterator;

use super::*;
use crate::stories::{
    PROCESS, account, assert_round_trip, claims_of, fold, issued, person, reviewer, staff_id, when,
};

/// The first bytes of a PNG file.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01";

fn content() -> Content {
    Content { sha256: "ab".repeat(32), size: 1_024, content_type: ContentType::Pdf }
}

fn receive(scan: Scan) -> StoredFileCommand {
    StoredFileCommand::Receive { content: content(), name: Some("营业执照.pdf".to_owned()), scan }
}

fn clean() -> Scan {
    Scan::Clean { scanner: "clamav".to_owned() }
}

fn infected() -> Scan {
    Scan::Infected { scanner: "clamav".to_owned(), finding: "Eicar-Test-Signature".to_owned() }
}

fn uploaded() -> StoredFileEvent {
    let name = Some(Personal::of(account(1).0, "营业执照.pdf".to_owned()));
    StoredFileEvent::Uploaded { owner: Owner::Account(account(1)), content: content(), name }
}

fn accepted() -> Vec<StoredFileEvent> {
    vec![uploaded(), StoredFileEvent::Accepted { scanner: Some("clamav".to_owned()) }]
}

fn refused() -> Vec<StoredFileEvent> {
    let event =
        StoredFileEvent::Refused { scanner: "clamav".to_owned(), finding: "Eicar-Test-Signature".to_owned() };
    vec![uploaded(), event]
}

#[test]
fn a_file_comes_in_with_the_scanners_verdict() {
    let given = |scan| when::<StoredFile>(&[], issued(&person(1), 0, receive(scan)));
    assert_eq!(given(clean()), Ok(accepted()));
    assert_eq!(given(infected()), Ok(refused()));
    let unscanned = vec![uploaded(), StoredFileEvent::Accepted { scanner: None }];
    assert_eq!(given(Scan::Skipped), Ok(unscanned));
}

#[test]
fn a_file_of_staff_is_theirs_and_nobody_else_owns_any() {
    let by_staff = when::<StoredFile>(&[], issued(&reviewer(1), 0, receive(clean()))).unwrap();
    let StoredFileEvent::Uploaded { owner, name, .. } = &by_staff[0] else { panic!("{by_staff:?}") };
    assert_eq!((*owner, name.as_ref().unwrap().subject()), (Owner::Staff(staff_id(1)), staff_id(1).0));
    for by in [PROCESS, Actor::Visitor] {
        let refused = when::<StoredFile>(&[], issued(&by, 0, receive(clean())));
        assert_eq!(refused, Err(StoredFileError::NoOwner));
    }
}

#[test]
fn the_same_again_changes_nothing_and_another_file_needs_another_id() {
    for history in [accepted(), refused()] {
        assert_eq!(when::<StoredFile>(&history, issued(&person(1), 1, receive(clean()))), Ok(vec![]));
        let others = when::<StoredFile>(&history, issued(&person(2), 1, receive(clean())));
        assert_eq!(others, Err(StoredFileError::AlreadyStored));
        let content = Content { sha256: "cd".repeat(32), ..content() };
        let command = StoredFileCommand::Receive { content, name: None, scan: clean() };
        let other = when::<StoredFile>(&history, issued(&person(1), 1, command));
        assert_eq!(other, Err(StoredFileError::AlreadyStored));
    }
}

#[test]
fn a_size_beyond_the_limit_of_its_type_is_refused() {
    for content_type in ContentType::iter() {
        let bytes_max = content_type.bytes_max();
        let outcome = |size| {
            let content = Content { size, content_type, ..content() };
            let command = StoredFileCommand::Receive { content, name: None, scan: clean() };
            when::<StoredFile>(&[], issued(&person(1), 0, command)).err()
        };
        assert_eq!(outcome(0), Some(StoredFileError::Empty));
        assert_eq!(outcome(bytes_max), None);
        assert_eq!(outcome(bytes_max + 1), Some(StoredFileError::TooLarge { bytes_max }));
    }
}

#[test]
fn only_its_owner_may_use_a_file_and_only_an_accepted_one() {
    let usable = |history: &[StoredFileEvent], by: &Actor| fold::<StoredFile>(history).is_usable_by(by);
    assert!(usable(&accepted(), &person(1)));
    for by in [person(2), reviewer(1), PROCESS, Actor::Visitor] {
        assert!(!usable(&accepted(), &by), "{by}");
    }
    for history in [&[][..], &accepted()[..1], &refused()] {
        assert!(!usable(history, &person(1)));
    }
}

#[test]
fn it_claims_nothing_and_survives_json() {
    assert_round_trip(&StoredFile::default());
    for history in [accepted(), refused()] {
        assert_eq!(claims_of::<StoredFile>(&history[..1], &history[1]), []);
        assert_round_trip(&fold::<StoredFile>(&history));
    }
    for content_type in ContentType::iter() {
        assert_eq!(serde_json::to_value(content_type).unwrap(), content_type.media_type());
    }
}

fn inspect(parts: &[&[u8]]) -> Result<Recognised, StoredFileError> {
    let mut inspection = Inspection::default();
    for part in parts {
        inspection.take(part)?;
    }
    inspection.end()
}

#[test]
fn a_file_is_what_its_first_bytes_say_however_they_arrive() {
    let jpeg = [&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], &[0; 30]].concat();
    let webp = b"RIFF\x1a\0\0\0WEBPVP8L\r\0\0\0";
    let pdf = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj";
    let zip = b"PK\x03\x04\x14\0\x06\0\x08\0\0\0\x21\0\0\0";
    for (bytes, expected) in [
        (PNG, Recognised::As(ContentType::Png)),
        (&jpeg, Recognised::As(ContentType::Jpeg)),
        (webp, Recognised::As(ContentType::Webp)),
        (pdf, Recognised::As(ContentType::Pdf)),
        (zip, Recognised::Package),
    ] {
        assert_eq!(inspect(&[bytes]), Ok(expected));
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(inspect(&single), Ok(expected));
    }
}

#[test]
fn what_is_not_on_the_list_is_refused_at_once() {
    for bytes in [
        &b"<svg xmlns='urn:x'></svg>"[..],
        b"<!doctype html><script>",
        b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0\0\0\0\0",
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff",
        b"\x89PNG\r\n\x1a\nthis is no picture",
        b"RIFF\x1a\0\0\0WAVEfmt \0\0",
        b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\xef\xbb\xbf%PDF-1.7 and more",
    ] {
        assert_eq!(Inspection::default().take(bytes), Err(StoredFileError::TypeNotAllowed), "{bytes:?}");
    }
    assert_eq!(inspect(&[]), Err(StoredFileError::Empty));
    assert_eq!(inspect(&[b"\xff\xd8\xff"]), Err(StoredFileError::TypeNotAllowed));
}

#[test]
fn a_file_is_stopped_at_the_limit_and_not_after_it() {
    let mut inspection = Inspection::default();
    inspection.take(PNG).unwrap();
    let rest = usize::try_from(IMAGE_BYTES_MAX).unwrap() - PNG.len();
    inspection.take(&vec![0; rest]).unwrap();
    assert_eq!(inspection.take(&[0]), Err(StoredFileError::TooLarge { bytes_max: IMAGE_BYTES_MAX }));
}

#[test]
fn an_office_document_is_told_by_its_parts() {
    let of = |parts: &[&str]| ContentType::of_package(parts.iter().copied());
    let types = "[Content_Types].xml";
    assert_eq!(of(&["_rels/.rels", "word/document.xml", types]), Ok(ContentType::Docx));
    assert_eq!(of(&[types, "xl/workbook.xml", "xl/worksheets/sheet1.xml"]), Ok(ContentType::Xlsx));
    let macros = of(&[types, "word/document.xml", "word/vbaProject.bin"]);
    assert_eq!(macros, Err(StoredFileError::HasMacros));
    for parts in [&["word/document.xml"][..], &[types], &[types, "ppt/presentation.xml"], &["a.exe"], &[]] {
        assert_eq!(of(parts), Err(StoredFileError::TypeNotAllowed), "{parts:?}");
    }
}

#[test]
fn a_name_is_cleaned_and_a_bad_one_left_out() {
    for (raw, expected) in [
        ("营业执照.pdf", Some("营业执照.pdf")),
        (r"C:\Users\wang\执照 (1).pdf", Some("执照 (1).pdf")),
        ("../../etc/passwd", Some("passwd")),
        (" a\u{200b}b.png ", Some("ab.png")),
        (".htaccess", Some("htaccess")),
        ("", None),
        ("..", None),
        ("folder/", None),
        ("invoice\u{202e}gpj.exe", None),
        ("a\r\nset-cookie: x", None),
    ] {
        assert_eq!(clean_name(raw).as_deref(), expected, "{raw:?}");
    }
    let long = clean_name(&format!("{}.pdf", "长".repeat(300))).unwrap();
    assert_eq!(long.chars().count(), 200);
    assert!(long.ends_with("长.pdf"));
}

#[test]
fn a_shown_name_ends_as_the_type_does() {
    assert_eq!(shown_name(Some("执照.PDF"), ContentType::Pdf), "执照.PDF");
    assert_eq!(shown_name(Some("照片.jpeg"), ContentType::Jpeg), "照片.jpeg");
    assert_eq!(shown_name(Some("执照.png"), ContentType::Pdf), "执照.png.pdf");
    assert_eq!(shown_name(Some("执照"), ContentType::Docx), "执照.docx");
    assert_eq!(shown_name(None, ContentType::Webp), "图片.webp");
    assert_eq!(shown_name(None, ContentType::Xlsx), "文件.xlsx");
}
