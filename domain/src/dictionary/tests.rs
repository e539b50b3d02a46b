use std::collections::BTreeSet;
use std::str::FromStr;

use serde::de::DeserializeOwned;

use super::*;

fn dictionary(name: &str) -> Vec<Entry> {
    all().into_iter().find(|d| d.name == name).unwrap().entries
}

/// Every entry of `name` is read as a `T`, and a `T` is stored as the entry's code.
fn codes_are_stored<T: FromStr + Serialize + DeserializeOwned>(name: &str) {
    for Entry { code, .. } in dictionary(name) {
        let stored = serde_json::to_value(T::from_str(code).ok().unwrap()).unwrap();
        assert_eq!(stored, code, "{name}");
        assert!(serde_json::from_value::<T>(stored).is_ok(), "{name} {code}");
    }
}

#[test]
fn names_codes_and_labels_are_unique() {
    let dictionaries = all();
    let names: BTreeSet<_> = dictionaries.iter().map(|d| d.name).collect();
    assert_eq!(names.len(), dictionaries.len());
    for Dictionary { name, entries } in dictionaries {
        assert!(!entries.is_empty(), "{name}");
        assert_eq!(entries.iter().map(|e| e.code).collect::<BTreeSet<_>>().len(), entries.len(), "{name}");
        assert_eq!(entries.iter().map(|e| e.label).collect::<BTreeSet<_>>().len(), entries.len(), "{name}");
    }
}

#[test]
fn a_code_is_what_is_stored() {
    codes_are_stored::<ParkKind>("parkKinds");
    codes_are_stored::<Level>("levels");
    codes_are_stored::<CustomsRegime>("customsRegimes");
    codes_are_stored::<EnterpriseCategory>("enterpriseCategories");
    codes_are_stored::<NewsColumn>("newsColumns");
    codes_are_stored::<ApplicantType>("applicantTypes");
    codes_are_stored::<SettlementState>("settlementStates");
    codes_are_stored::<EnterpriseStatus>("enterpriseStatuses");
    codes_are_stored::<State>("reviewStates");
    codes_are_stored::<Service>("services");
    codes_are_stored::<Facility>("facilities");
}

#[test]
fn every_district_can_be_chosen() {
    let districts = dictionary("districts");
    assert!(districts.iter().all(|entry| Region::choose(entry.code).is_ok()));
    assert!(districts.contains(&Entry { code: "460205", label: "崖州区" }));
    assert!(!districts.iter().any(|entry| entry.code == "460321"));
}

#[test]
fn the_codes_of_the_contract_are_here() {
    let codes = |name| dictionary(name).iter().map(|e| e.code).collect::<Vec<_>>().join(" ");
    assert_eq!(codes("parkKinds"), "park base");
    assert_eq!(codes("levels"), "national provincial municipal none");
    assert_eq!(codes("customsRegimes"), "9610 9710 9810 1210 1239 0110");
    assert_eq!(codes("enterpriseCategories"), "platform seller logistics payment service other");
    assert_eq!(codes("services"), "customs logistics finance talent legal overseasWarehouse data incubation");
    assert_eq!(codes("facilities"), "warehousing bonded liveStreaming talentHousing");
}

#[test]
fn a_dictionary_is_sent_as_codes_and_labels() {
    let json = serde_json::to_value(&all()[0]).unwrap();
    let entries = serde_json::json!([{"code": "park", "label": "园区"}, {"code": "base", "label": "基地"}]);
    assert_eq!(json, serde_json::json!({"name": "parkKinds", "entries": entries}));
}
