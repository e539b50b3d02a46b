//! Rules of the profile, field by field.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const SUBJECT: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);

fn full() -> Value {
    json!({
        "name": "崖州湾跨境电商产业园",
        "operatorName": "三亚崖州园区运营有限公司",
        "operatorCreditCode": "91460200MA5TPK0116",
        "level": "provincial",
        "district": "460205",
        "address": "三亚市崖州区深海路 1 号",
        "longitude": "109.1723",
        "latitude": "18.3552",
        "totalAreaSqm": "48000.5",
        "rentableAreaSqm": "36000",
        "usedAreaSqm": "31200",
        "openedOn": "2021-06-01",
        "positioning": "南繁种业与海洋装备出口",
        "services": ["customs", "overseasWarehouse"],
        "facilities": ["bonded", "liveStreaming"],
        "policy": "首年免租",
        "contactName": "陈海",
        "contactPhone": "13800000000",
        "contactPublic": true,
        "introduction": "第一段\n第二段",
        "images": ["01920000-0000-7000-8000-00000000000a"],
        "certificates": ["01920000-0000-7000-8000-00000000000b"],
    })
}

fn input(body: Value) -> ProfileInput {
    serde_json::from_value(body).unwrap()
}

fn parse(body: Value) -> Result<Profile, Vec<FieldError>> {
    input(body).parse(SUBJECT)
}

/// The full body with one field replaced.
fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut body = full();
    body[field] = value.into();
    body
}

/// `pointer code` of everything wrong with a body.
fn errors(body: Value) -> Vec<String> {
    parse(body).unwrap_err().into_iter().map(|e| format!("{} {}", e.pointer, e.code)).collect()
}

fn notes(notes: Vec<FieldError>) -> Vec<String> {
    notes.into_iter().map(|e| format!("{} {}", e.pointer, e.code)).collect()
}

#[test]
fn a_full_profile_is_stored_as_it_was_given() {
    let profile = parse(full()).unwrap();
    let mut stored = full();
    stored["contactName"] = json!({"$personal": {"subject": SUBJECT, "value": "陈海"}});
    stored["contactPhone"] = json!({"$personal": {"subject": SUBJECT, "value": "13800000000"}});
    assert_eq!(serde_json::to_value(&profile).unwrap(), stored);
    assert_eq!(serde_json::from_value::<Profile>(stored).unwrap(), profile);
    assert_eq!(profile.missing_fields(), []);
    assert_eq!(profile.warnings(), []);
}

#[test]
fn an_empty_draft_is_accepted_and_stores_nothing() {
    let profile = parse(json!({})).unwrap();
    assert_eq!(profile, Profile::default());
    assert_eq!(serde_json::to_value(&profile).unwrap(), json!({}));
    assert_eq!(serde_json::from_value::<Profile>(json!({})).unwrap(), profile);
}

#[test]
fn null_and_blank_and_empty_lists_are_absent() {
    let mut null = full();
    let mut blank = full();
    for field in full().as_object().unwrap().keys() {
        null[field] = Value::Null;
        blank[field] = match &full()[field] {
            Value::Array(_) => json!([]),
            Value::Bool(_) => Value::Null,
            Value::Null | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                json!(" \u{3000}\u{200B}")
            }
        };
    }
    assert_eq!(parse(null).unwrap(), Profile::default());
    assert_eq!(parse(blank).unwrap(), Profile::default());
}

#[test]
fn unknown_fields_and_wrong_types_are_refused() {
    assert!(serde_json::from_value::<ProfileInput>(json!({"nickname": "x"})).is_err());
    assert!(serde_json::from_value::<ProfileInput>(json!({"totalAreaSqm": 100})).is_err());
}

#[test]
fn a_required_field_that_is_absent_is_missing() {
    let required = "/name /operatorName /operatorCreditCode /level /district /address /positioning \
                    /contactName /contactPhone /introduction";
    let missing = Profile::default().missing_fields();
    assert!(missing.iter().all(|e| e.code == "field.required" && e.detail.starts_with('请')));
    assert_eq!(missing.iter().map(|e| e.pointer.as_str()).collect::<Vec<_>>().join(" "), required);
    for pointer in required.split(' ') {
        let profile = parse(with(&pointer[1..], Value::Null)).unwrap();
        assert_eq!(notes(profile.missing_fields()), [format!("{pointer} field.required")]);
    }
}

#[test]
fn all_errors_come_at_once() {
    let wrong = json!({
        "name": "园",
        "operatorName": "公\u{202E}司",
        "operatorCreditCode": "91350100M000100Y4A",
        "level": "world",
        "district": "460321",
        "address": "路",
        "longitude": "181",
        "latitude": "north",
        "totalAreaSqm": "1.234",
        "rentableAreaSqm": "-1",
        "usedAreaSqm": "1,000",
        "openedOn": "1949-09-30",
        "services": ["customs", "customs", "magic"],
        "facilities": ["bonded", "bonded"],
        "contactName": "陈",
        "contactPhone": "12345",
        "images": ["x"],
    });
    let expected = [
        "/name text.too_short",
        "/operatorName text.control_character",
        "/operatorCreditCode credit_code.check",
        "/level dictionary.unknown",
        "/district region.retired",
        "/address text.too_short",
        "/longitude decimal.out_of_range",
        "/latitude decimal.malformed",
        "/totalAreaSqm decimal.too_precise",
        "/rentableAreaSqm decimal.out_of_range",
        "/usedAreaSqm decimal.malformed",
        "/openedOn date.too_early",
        "/services/1 list.duplicate",
        "/services/2 dictionary.unknown",
        "/facilities/1 list.duplicate",
        "/contactName text.too_short",
        "/contactPhone phone.malformed",
        "/images/0 file.malformed",
    ];
    assert_eq!(errors(wrong), expected);
}

#[test]
fn texts_have_limits() {
    for (field, max) in [
        ("name", 100),
        ("operatorName", 100),
        ("address", 200),
        ("positioning", 500),
        ("policy", 5_000),
        ("contactName", 100),
        ("introduction", 20_000),
    ] {
        assert!(parse(with(field, "文".repeat(max))).is_ok(), "{field}");
        assert_eq!(errors(with(field, "文".repeat(max + 1))), [format!("/{field} text.too_long")]);
    }
}

#[test]
fn lists_have_limits() {
    for (field, max) in [("images", 9), ("certificates", 20)] {
        let files = |count: u128| (1..=count).map(|id| Uuid::from_u128(id).to_string()).collect::<Vec<_>>();
        assert!(parse(with(field, files(max))).is_ok(), "{field}");
        assert_eq!(errors(with(field, files(max + 1))), [format!("/{field} list.too_long")]);
        let twice = [files(1), files(1)].concat();
        assert_eq!(errors(with(field, twice)), [format!("/{field}/1 list.duplicate")]);
    }
    assert_eq!(errors(with("services", vec!["customs"; 9])), ["/services list.too_long"]);
}

#[test]
fn full_width_numbers_are_folded_and_needless_zeros_left_out() {
    let folded = parse(with("totalAreaSqm", "４８０００．５０")).unwrap();
    assert_eq!(folded, parse(full()).unwrap());
    let zeros = parse(with("totalAreaSqm", "00048000.500000")).unwrap();
    assert_eq!(
        serde_json::to_string(&zeros).unwrap(),
        serde_json::to_string(&parse(full()).unwrap()).unwrap()
    );
}

#[test]
fn an_area_is_between_nothing_and_a_hundred_square_kilometres() {
    let area = |raw: &str| parse(json!({"totalAreaSqm": raw})).map(|p| p.total_area_sqm.unwrap().to_string());
    assert_eq!(area("0").unwrap(), "0");
    assert_eq!(area("-0").unwrap(), "0");
    assert_eq!(area("0.01").unwrap(), "0.01");
    assert_eq!(area("100000000").unwrap(), "100000000");
    let above = area("100000000.01").unwrap_err().remove(0);
    assert_eq!(
        (above.code.as_str(), above.detail.as_str()),
        ("decimal.out_of_range", "应在 0 至 100000000 之间")
    );
    assert!(area(&"9".repeat(60)).is_err());
    for raw in ["1e5", "1_000", "+1", ".5", "5.", "1.2.3", "--1", "36000㎡", "NaN", "0x10", "一百"] {
        assert_eq!(area(raw).unwrap_err()[0].code, "decimal.malformed", "{raw}");
    }
}

#[test]
fn areas_lie_inside_each_other() {
    let areas = |total: Value, rentable: Value, used: Value| {
        parse(json!({"totalAreaSqm": total, "rentableAreaSqm": rentable, "usedAreaSqm": used}))
            .map_err(notes)
            .err()
            .unwrap_or_default()
    };
    let none = Value::Null;
    assert!(areas("100".into(), "100".into(), "100".into()).is_empty());
    assert!(areas("100".into(), none.clone(), none.clone()).is_empty());
    assert_eq!(areas("100".into(), "100.01".into(), "50".into()), ["/rentableAreaSqm profile.area_order"]);
    assert_eq!(areas("100".into(), "50".into(), "50.01".into()), ["/usedAreaSqm profile.area_order"]);
    assert_eq!(areas("100".into(), none.clone(), "101".into()), ["/usedAreaSqm profile.area_order"]);
    assert_eq!(areas(none, "50".into(), "51".into()), ["/usedAreaSqm profile.area_order"]);
    let all = areas("1".into(), "2".into(), "3".into());
    assert_eq!(all, ["/rentableAreaSqm profile.area_order", "/usedAreaSqm profile.area_order"]);
}

#[test]
fn a_date_has_ten_characters_and_exists() {
    let opened = |raw: &str| parse(json!({"openedOn": raw})).map(|p| p.opened_on.unwrap().to_string());
    assert_eq!(opened("1949-10-01").unwrap(), "1949-10-01");
    assert_eq!(opened("２０２４-０２-２９").unwrap(), "2024-02-29");
    for raw in
        ["2023-02-29", "2024-6-1", "2024/06/01", "20240601", "24-06-01", "2024-06-01T00:00:00Z", "去年"]
    {
        assert_eq!(opened(raw).unwrap_err()[0].code, "date.malformed", "{raw}");
    }
}

#[test]
fn the_contact_is_the_only_personal_data() {
    let mut stored = serde_json::to_value(parse(full()).unwrap()).unwrap();
    for field in ["contactName", "contactPhone"] {
        let personal = stored.as_object_mut().unwrap().remove(field).unwrap();
        assert_eq!(personal["$personal"]["subject"], json!(SUBJECT));
    }
    let rest = stored.to_string();
    assert!(!rest.contains("陈海") && !rest.contains("13800000000"));
    for debug in [format!("{:?}", input(full())), format!("{:?}", parse(full()).unwrap())] {
        assert!(!debug.contains("陈海") && !debug.contains("13800000000"), "{debug}");
    }
    let refused = parse(with("contactPhone", "138000000001")).unwrap_err();
    assert!(!format!("{refused:?}").contains("138000000001"));
}

#[test]
fn the_contacts_phone_has_one_spelling() {
    let profile = parse(with("contactPhone", "+86 (0898) 8888 8888")).unwrap();
    assert_eq!(profile.contact_phone.unwrap().value().map(String::as_str), Some("0898-88888888"));
}

#[test]
fn markup_is_only_text() {
    let markup = "<script>alert('x')</script>";
    assert_eq!(parse(with("introduction", markup)).unwrap().introduction.as_deref(), Some(markup));
}

#[test]
fn a_point_outside_hainan_is_only_a_warning() {
    let point = |longitude: &str, latitude: &str| {
        notes(parse(json!({"longitude": longitude, "latitude": latitude})).unwrap().warnings())
    };
    assert_eq!(point("108.6", "18.1"), [""; 0]);
    assert_eq!(point("111.1", "20.2"), [""; 0]);
    assert_eq!(point("116.39", "39.9"), ["/longitude profile.point_outside"]);
    assert_eq!(point("109.5", "20.2000001"), ["/longitude profile.point_outside"]);
}

#[test]
fn half_a_point_is_only_a_warning() {
    let warnings = |body| notes(parse(body).unwrap().warnings());
    assert_eq!(warnings(json!({"longitude": "109.5"})), ["/latitude profile.point_incomplete"]);
    assert_eq!(warnings(json!({"latitude": "18.5"})), ["/longitude profile.point_incomplete"]);
}

#[test]
fn a_coordinate_may_have_the_places_a_map_prints() {
    let profile = parse(json!({"longitude": "109.512345678901230", "latitude": "-90"})).unwrap();
    assert_eq!(profile.longitude.unwrap().to_string(), "109.51234567890123");
    assert_eq!(
        notes(parse(json!({"longitude": "1.0123456789012345"})).unwrap_err()),
        ["/longitude decimal.too_precise"]
    );
    assert_eq!(notes(parse(json!({"latitude": "-90.1"})).unwrap_err()), ["/latitude decimal.out_of_range"]);
}

#[test]
fn a_wrong_organisation_code_is_only_a_warning() {
    let profile = parse(with("operatorCreditCode", "91350100M000100Y56")).unwrap();
    assert_eq!(notes(profile.warnings()), ["/operatorCreditCode credit_code.organisation_code"]);
}

#[test]
fn decimals_survive_inside_a_tagged_event() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type")]
    enum Event {
        Drafted { content: Profile },
    }
    let event = Event::Drafted { content: parse(full()).unwrap() };
    let stored = serde_json::to_value(&event).unwrap();
    assert_eq!(stored["content"]["totalAreaSqm"], "48000.5");
    assert_eq!(serde_json::from_value::<Event>(stored).unwrap(), event);
}

#[test]
fn an_input_is_sent_on_as_it_came() {
    assert_eq!(serde_json::to_value(input(full())).unwrap(), full());
    assert_eq!(serde_json::to_value(ProfileInput::default()).unwrap(), json!({}));
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_stored_and_read_back(
        raw in any::<String>(),
        number in "-?[0-9]{1,14}(\\.[0-9]{1,17})?",
        date in "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    ) {
        for field in ["name", "address", "introduction", "contactPhone", "operatorCreditCode", "district", "level"] {
            if let Ok(profile) = parse(json!({field: raw})) {
                let stored = serde_json::to_value(&profile).unwrap();
                prop_assert_eq!(serde_json::from_value::<Profile>(stored).unwrap(), profile);
            }
        }
        for (field, text) in [("longitude", &number), ("totalAreaSqm", &number), ("openedOn", &date)] {
            if let Ok(profile) = parse(json!({field: text})) {
                let stored = serde_json::to_value(&profile).unwrap();
                prop_assert_eq!(serde_json::from_value::<Profile>(stored).unwrap(), profile);
            }
        }
    }
}

#[test]
fn a_review_knows_every_field_there_is() {
    let whole = serde_json::to_value(input(full()).parse(SUBJECT).unwrap()).unwrap();
    let fields = whole.as_object().unwrap();
    let named: std::collections::BTreeSet<&str> = Profile::FIELDS.iter().copied().collect();
    assert_eq!(named, fields.keys().map(String::as_str).collect());
    assert_eq!(named.len(), Profile::FIELDS.len(), "each once");
    let lists = Profile::FIELDS.iter().filter(|field| fields[**field].is_array());
    assert_eq!(lists.copied().collect::<Vec<_>>(), Profile::LISTS);
}
