//! The profile as it comes in: every field optional and unchecked, and how it becomes a [`Profile`].

use std::fmt;
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;
use uuid::Uuid;

use super::Profile;
use crate::credit_code::{CreditCode, CreditCodeError};
use crate::decimal::Bounds;
use crate::dictionary::{Facility, Service};
use crate::personal::Personal;
use crate::phone::{ContactPhone, PhoneError};
use crate::reader::Reader;
use crate::refusal::FieldError;
use crate::region::{Region, RegionError};

/// Names of organisations and people (domain.md §4 "Text").
const NAME_CHARS: RangeInclusive<usize> = 2..=100;
/// Addresses (domain.md §4 "Text").
const ADDRESS_CHARS: RangeInclusive<usize> = 2..=200;
/// A paragraph.
const POSITIONING_CHARS: RangeInclusive<usize> = 1..=500;
/// A few pages.
const POLICY_CHARS: RangeInclusive<usize> = 1..=5_000;
/// The longest text of the profile, about fifteen pages.
const INTRODUCTION_CHARS: RangeInclusive<usize> = 1..=20_000;
/// Pictures in the gallery of the portal (domain.md §1e).
const IMAGES_MAX: usize = 9;
/// Certificates; far more than any park has.
const CERTIFICATES_MAX: usize = 20;
/// 100 km²: above any park there is, below what a slipped digit gives.
const AREA_SQM_MAX: i64 = 100_000_000;
/// Square metres are measured to the hundredth.
const AREA_PLACES: usize = 2;
/// Map services give coordinates as binary floats, which print at most 15 places here; more carry nothing.
const COORDINATE_PLACES: usize = 15;
/// Day the People's Republic was founded: no park opened earlier.
const OPENED_ON_MIN: NaiveDate = NaiveDate::from_ymd_opt(1949, 10, 1).expect("a day of the calendar");

/// The `profile` payload of contract.md. JSON null and absent are the same; unknown fields are refused.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileInput {
    /// 名称
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 运营单位
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_name: Option<String>,
    /// Credit code of the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_credit_code: Option<String>,
    /// Code of the dictionary `levels`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Code of the dictionary `districts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// 详细地址
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Degrees east, a decimal string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longitude: Option<String>,
    /// Degrees north, a decimal string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude: Option<String>,
    /// 总面积, m², a decimal string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_area_sqm: Option<String>,
    /// 可出租面积, m², a decimal string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rentable_area_sqm: Option<String>,
    /// 已使用面积, m², a decimal string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_area_sqm: Option<String>,
    /// 投用日期, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_on: Option<String>,
    /// 产业定位
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positioning: Option<String>,
    /// Codes of the dictionary `services`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<String>>,
    /// Codes of the dictionary `facilities`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facilities: Option<Vec<String>>,
    /// 租金与政策, plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// 招商联系人. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_name: Option<String>,
    /// 联系电话: mobile, fixed or service line. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_phone: Option<String>,
    /// Whether the contact may be shown to the public.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_public: Option<bool>,
    /// 介绍, plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introduction: Option<String>,
    /// File ids (UUID) of pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Vec<String>>,
    /// File ids (UUID) of certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Vec<String>>,
}

impl ProfileInput {
    /// The checked profile, or everything that is wrong with it, with pointers such as `/operatorCreditCode`.
    ///
    /// Absent fields are no error: that is for [`Profile::missing_fields`], on submission.
    /// An empty string and an empty list count as absent, because forms send them.
    /// `subject` is the account whose key seals the contact's name and phone.
    pub fn parse(self, subject: Uuid) -> Result<Profile, Vec<FieldError>> {
        let coordinate = |max: i64| Bounds {
            min: Decimal::from(-max),
            max: Decimal::from(max),
            places: COORDINATE_PLACES,
        };
        let area = Bounds { min: Decimal::ZERO, max: Decimal::from(AREA_SQM_MAX), places: AREA_PLACES };
        let mut read = Reader::default();
        let profile = Profile {
            name: read.line("/name", self.name, NAME_CHARS),
            operator_name: read.line("/operatorName", self.operator_name, NAME_CHARS),
            operator_credit_code: read.value(
                "/operatorCreditCode",
                self.operator_credit_code,
                CreditCode::parse,
                CreditCodeError::at,
            ),
            level: read.choice("/level", self.level),
            district: read.value("/district", self.district, Region::choose, RegionError::at),
            address: read.line("/address", self.address, ADDRESS_CHARS),
            longitude: read.decimal("/longitude", self.longitude, &coordinate(180)),
            latitude: read.decimal("/latitude", self.latitude, &coordinate(90)),
            total_area_sqm: read.decimal("/totalAreaSqm", self.total_area_sqm, &area),
            rentable_area_sqm: read.decimal("/rentableAreaSqm", self.rentable_area_sqm, &area),
            used_area_sqm: read.decimal("/usedAreaSqm", self.used_area_sqm, &area),
            opened_on: read.date("/openedOn", self.opened_on, OPENED_ON_MIN),
            positioning: read.lines("/positioning", self.positioning, POSITIONING_CHARS),
            services: read.choices("/services", self.services, Service::iter().count()),
            facilities: read.choices("/facilities", self.facilities, Facility::iter().count()),
            policy: read.lines("/policy", self.policy, POLICY_CHARS),
            contact_name: read
                .line("/contactName", self.contact_name, NAME_CHARS)
                .map(|name| Personal::of(subject, name)),
            contact_phone: read
                .value("/contactPhone", self.contact_phone, ContactPhone::parse, PhoneError::at)
                .map(|phone| Personal::of(subject, phone.into())),
            contact_public: self.contact_public,
            introduction: read.lines("/introduction", self.introduction, INTRODUCTION_CHARS),
            images: read.files("/images", self.images, IMAGES_MAX),
            certificates: read.files("/certificates", self.certificates, CERTIFICATES_MAX),
        };
        read.errors.extend(area_order(&profile));
        if read.errors.is_empty() { Ok(profile) } else { Err(read.errors) }
    }
}

/// Used ≤ rentable ≤ total, between those of the three that are given.
fn area_order(profile: &Profile) -> Vec<FieldError> {
    let (total, rentable, used) = (profile.total_area_sqm, profile.rentable_area_sqm, profile.used_area_sqm);
    let above = |part: Option<Decimal>, whole: Option<Decimal>| part.zip(whole).is_some_and(|(p, w)| p > w);
    [
        (above(rentable, total), "/rentableAreaSqm", "可出租面积不能大于总面积"),
        (above(used, rentable), "/usedAreaSqm", "已使用面积不能大于可出租面积"),
        (rentable.is_none() && above(used, total), "/usedAreaSqm", "已使用面积不能大于总面积"),
    ]
    .into_iter()
    .filter(|(wrong, _, _)| *wrong)
    .map(|(_, pointer, detail)| FieldError::new(pointer, "profile.area_order", detail))
    .collect()
}

/// Prints only what tells one profile from another and is no personal data.
impl fmt::Debug for ProfileInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileInput")
            .field("name", &self.name)
            .field("operator_credit_code", &self.operator_credit_code)
            .field("district", &self.district)
            .finish_non_exhaustive()
    }
}
