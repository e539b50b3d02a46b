//! What an article is screened for, and where it is found.

use proptest::prelude::*;

use super::*;

fn terms(list: &str) -> SensitiveTerms {
    SensitiveTerms::parse(list).unwrap()
}

/// `start–end what` of everything found in a body.
fn found(body: &str, list: &str) -> Vec<String> {
    let content = News { body: Some(body.to_owned()), ..News::default() };
    let hits = screen(&content, &terms(list));
    hits.iter().map(|hit| format!("{}–{} {}", hit.start, hit.end, hit.code().replace("news.", ""))).collect()
}

#[test]
fn mobile_numbers_are_found_however_they_are_written() {
    for (body, at) in [
        ("13800000000", "0–11"),
        ("<p>电话<b>138</b>00000000。</p>", "2–13"),
        ("拨打 138-0000-0000", "3–16"),
        ("+86 138 0000 0000", "1–17"),
        ("8613800000000", "0–13"),
        ("１３８００００００００", "0–11"),
        ("日期 2026-11-24 13800000000", "14–25"),
    ] {
        assert_eq!(found(body, ""), [format!("{at} mobile_number")], "{body}");
    }
    assert_eq!(found("13800000000 13900000000", "").len(), 2);
}

#[test]
fn other_numbers_are_not_telephones() {
    for body in [
        "0898-88888888",
        "4001234567",
        "12800000000",
        "138000000001",
        "<p>138</p><p>00000000</p>",
        "138，00000000",
        "订单 20261124138000000001",
        "",
    ] {
        assert_eq!(found(body, ""), [""; 0], "{body}");
    }
}

#[test]
fn identity_numbers_are_found_by_their_check_character() {
    for body in ["11010519491231002X", "11010519491231002x", "110105 19491231 002X", "440524188001010014"] {
        let end = body.chars().count();
        assert_eq!(found(body, ""), [format!("0–{end} identity_number")], "{body}");
    }
    for body in ["110105194912310021", "460203198502290012", "11010519491231002", "91460200MA5TPK0116"] {
        assert_eq!(found(body, ""), [""; 0], "{body}");
    }
}

#[test]
fn terms_are_found_in_any_width_and_case_and_with_gaps() {
    let list = "# 广告法\n最佳\n\n国家级\n国家级园区\nBest\n";
    assert_eq!(found("服务最 佳，国家级园区，ｂｅＳＴ", list).len(), 3);
    assert_eq!(found("国家级园区", list), ["0–5 sensitive_term"], "the longest counts");
    assert_eq!(found("国家\u{200B}级", list), ["0–4 sensitive_term"]);
    assert_eq!(found("# 广告法", list), [""; 0], "a comment is no term");
    assert_eq!(found("最好", list), [""; 0]);
    let content = News { title: Some("最佳园区".to_owned()), source: Some("Best".to_owned()), ..news() };
    let pointers: Vec<String> = screen(&content, &terms(list)).into_iter().map(|hit| hit.pointer).collect();
    assert_eq!(pointers, ["/title", "/source"]);
}

#[test]
fn a_hit_says_where_and_never_repeats_a_number() {
    let content = news_with("body", "<p>电话 13800000000，最佳</p>");
    let hits = screen(&content, &terms("最佳"));
    let told: Vec<String> = hits.iter().map(|hit| hit.to_field().detail).collect();
    assert_eq!(told, ["第 4–14 字：疑似手机号码", "第 16–17 字：敏感词“最佳”"]);
    assert!(!serde_json::to_string(&hits).unwrap().contains("1380"));
}

#[test]
fn no_more_than_a_hundred_hits_are_told() {
    assert_eq!(found(&"13800000000，".repeat(300), "").len(), 100);
}

#[test]
fn a_list_with_a_term_that_is_a_text_is_refused() {
    assert_eq!(SensitiveTerms::parse(&format!("最佳\n{}", "字".repeat(51))), Err(TermsError::TooLong(2)));
    let many = (0..50_001).map(|n| format!("词{n}")).collect::<Vec<_>>().join("\n");
    assert_eq!(SensitiveTerms::parse(&many), Err(TermsError::TooMany));
    assert_eq!(SensitiveTerms::parse("\u{FEFF}\r\n  \r\n"), Ok(SensitiveTerms::default()));
}

proptest! {
    #[test]
    fn every_hit_lies_within_what_a_reader_sees(body in "[<>a-z0-9 最佳&;\"-]{0,60}") {
        let length = visible_text(&body).chars().count();
        let content = News { body: Some(body), ..News::default() };
        for hit in screen(&content, &terms("最佳")) {
            prop_assert!(hit.start < hit.end && usize::try_from(hit.end).unwrap() <= length);
        }
    }
}
