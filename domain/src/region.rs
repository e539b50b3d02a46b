//! Administrative regions of Hainan (区划) by their GB/T 2260 codes.
//!
//! Source: domain.md §4 (caijf/lcn v7.1, Ministry of Civil Affairs 2024, and the later change of Sansha).
//! Always: a code never leaves the table, because stored events name it; a dissolved region is marked `retired`
//! and can still be read and shown, but no longer chosen.
//!
//! Deliberately not here: areas inside a park's district (崖州湾科技城, 中央商务区 …), which are no codes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::refusal::{FieldError, Kind, Refusal};
use crate::text::fold_code;

/// The province, root of the table.
const PROVINCE: &str = "460000";
/// Digits of a code.
const CODE_DIGITS: usize = 6;

/// A region of the dictionary. Stored and sent as its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Region {
    code: &'static str,
    name: &'static str,
    parent: Option<&'static str>,
    retired: bool,
}

const fn current(code: &'static str, name: &'static str, parent: &'static str) -> Region {
    Region { code, name, parent: Some(parent), retired: false }
}

const fn retired(code: &'static str, name: &'static str, parent: &'static str) -> Region {
    Region { code, name, parent: Some(parent), retired: true }
}

/// In the order of the codes.
static REGIONS: [Region; 34] = [
    Region { code: PROVINCE, name: "海南省", parent: None, retired: false },
    current("460100", "海口市", PROVINCE),
    current("460105", "秀英区", "460100"),
    current("460106", "龙华区", "460100"),
    current("460107", "琼山区", "460100"),
    current("460108", "美兰区", "460100"),
    current("460200", "三亚市", PROVINCE),
    retired("460201", "市辖区", "460200"),
    current("460202", "海棠区", "460200"),
    current("460203", "吉阳区", "460200"),
    current("460204", "天涯区", "460200"),
    current("460205", "崖州区", "460200"),
    current("460300", "三沙市", PROVINCE),
    current("460302", "西沙区", "460300"),
    current("460303", "南沙区", "460300"),
    retired("460321", "西沙群岛", "460300"),
    retired("460322", "南沙群岛", "460300"),
    retired("460323", "中沙群岛的岛礁及其海域", "460300"),
    current("460400", "儋州市", PROVINCE),
    current("469001", "五指山市", PROVINCE),
    current("469002", "琼海市", PROVINCE),
    current("469005", "文昌市", PROVINCE),
    current("469006", "万宁市", PROVINCE),
    current("469007", "东方市", PROVINCE),
    current("469021", "定安县", PROVINCE),
    current("469022", "屯昌县", PROVINCE),
    current("469023", "澄迈县", PROVINCE),
    current("469024", "临高县", PROVINCE),
    current("469025", "白沙黎族自治县", PROVINCE),
    current("469026", "昌江黎族自治县", PROVINCE),
    current("469027", "乐东黎族自治县", PROVINCE),
    current("469028", "陵水黎族自治县", PROVINCE),
    current("469029", "保亭黎族苗族自治县", PROVINCE),
    current("469030", "琼中黎族苗族自治县", PROVINCE),
];

/// Why a code was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// Not six digits.
    #[error("行政区划代码应为 6 位数字")]
    Malformed,
    /// Six digits that no region of the dictionary has.
    #[error("没有此行政区划，请从列表中选择")]
    Unknown,
    /// The region was dissolved.
    #[error("行政区划“{0}”已撤销，请选择现行区划")]
    Retired(&'static str),
    /// The whole province says too little.
    #[error("请选择到市、县或区")]
    TooWide,
}

impl RegionError {
    /// The error as one of the field at `pointer`.
    pub fn at(self, pointer: &str) -> FieldError {
        FieldError::new(pointer, self.code(), self.to_string())
    }
}

impl Refusal for RegionError {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "region.malformed",
            Self::Unknown => "region.unknown",
            Self::Retired(_) => "region.retired",
            Self::TooWide => "region.too_wide",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Malformed | Self::Unknown | Self::Retired(_) | Self::TooWide => Kind::Invalid,
        }
    }
}

impl Region {
    /// The region with this code, retired or not. Full-width digits are folded.
    pub fn parse(raw: &str) -> Result<Self, RegionError> {
        let code = fold_code(raw);
        if code.len() != CODE_DIGITS || !code.bytes().all(|b| b.is_ascii_digit()) {
            return Err(RegionError::Malformed);
        }
        REGIONS.iter().find(|region| region.code == code).copied().ok_or(RegionError::Unknown)
    }

    /// The region with this code, if somebody may choose it as a place now: see [`Region::choices`].
    pub fn choose(raw: &str) -> Result<Self, RegionError> {
        let region = Self::parse(raw)?;
        if region.retired {
            return Err(RegionError::Retired(region.name));
        }
        if region.parent.is_none() {
            return Err(RegionError::TooWide);
        }
        Ok(region)
    }

    /// Every region of the dictionary, in the order of the codes.
    pub fn all() -> impl Iterator<Item = Self> {
        REGIONS.iter().copied()
    }

    /// The regions that can be chosen as a place: existing ones below the province, in the order of the codes.
    pub fn choices() -> impl Iterator<Item = Self> {
        Self::all().filter(|region| !region.retired && region.parent.is_some())
    }

    /// Six digits of GB/T 2260.
    pub fn code(self) -> &'static str {
        self.code
    }

    /// Its own name: 海棠区.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// The region it lies in; nothing for the province.
    pub fn parent(self) -> Option<Self> {
        self.parent.and_then(|code| REGIONS.iter().find(|region| region.code == code).copied())
    }

    /// Whether it was dissolved.
    pub fn is_retired(self) -> bool {
        self.retired
    }

    /// Its name within the province: 三亚市海棠区, 儋州市; 海南省 for the province itself.
    pub fn display_name(self) -> String {
        match self.parent() {
            Some(parent) if parent.code != PROVINCE => format!("{}{}", parent.name, self.name),
            Some(_) | None => self.name.to_owned(),
        }
    }

    /// Its name within the country: 海南省三亚市海棠区.
    pub fn full_name(self) -> String {
        match self.parent() {
            Some(parent) => parent.full_name() + self.name,
            None => self.name.to_owned(),
        }
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_without_repeats() {
        assert!(REGIONS.is_sorted_by(|a, b| a.code < b.code));
    }

    #[test]
    fn every_region_leads_to_the_province() {
        for region in Region::all() {
            assert_eq!(region.parent.is_some(), region.parent().is_some(), "{region:?}");
            assert!(region.full_name().starts_with("海南省"), "{region:?}");
            assert_eq!(Region::parse(region.code), Ok(region));
        }
    }

    #[test]
    fn sanya_has_four_districts() {
        let sanya = Region::parse("460200").unwrap();
        let districts: Vec<_> =
            Region::choices().filter(|r| r.parent() == Some(sanya)).map(Region::name).collect();
        assert_eq!(districts, ["海棠区", "吉阳区", "天涯区", "崖州区"]);
    }

    #[test]
    fn a_region_has_names_for_people() {
        let haitang = Region::parse("460202").unwrap();
        assert_eq!(haitang.display_name(), "三亚市海棠区");
        assert_eq!(haitang.full_name(), "海南省三亚市海棠区");
        assert_eq!(Region::parse("460400").unwrap().display_name(), "儋州市");
        assert_eq!(Region::parse("460000").unwrap().display_name(), "海南省");
    }

    #[test]
    fn full_width_digits_are_folded() {
        assert_eq!(Region::choose(" ４６０２０５ ").unwrap().name(), "崖州区");
    }

    #[test]
    fn other_codes_are_refused() {
        assert_eq!(Region::parse("46020"), Err(RegionError::Malformed));
        assert_eq!(Region::parse("三亚"), Err(RegionError::Malformed));
        assert_eq!(Region::parse("46020x"), Err(RegionError::Malformed));
        assert_eq!(Region::parse("110000"), Err(RegionError::Unknown));
    }

    #[test]
    fn a_retired_region_is_read_but_not_chosen() {
        assert!(Region::parse("460321").unwrap().is_retired());
        let error = Region::choose("460321").unwrap_err().at("/district");
        assert_eq!((error.pointer.as_str(), error.code.as_str()), ("/district", "region.retired"));
        assert_eq!(error.detail, "行政区划“西沙群岛”已撤销，请选择现行区划");
        assert_eq!(Region::choose("460000"), Err(RegionError::TooWide));
        assert!(Region::choices().all(|region| Region::choose(region.code()) == Ok(region)));
    }

    #[test]
    fn a_stored_region_is_its_code() {
        let region: Region = serde_json::from_str("\"460323\"").unwrap();
        assert_eq!(serde_json::to_string(&region).unwrap(), "\"460323\"");
        assert!(serde_json::from_str::<Region>("\"999999\"").is_err());
    }
}
