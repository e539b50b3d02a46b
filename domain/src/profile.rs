//! The profile of a park or base (园区/基地信息): what an applicant fills in, a reviewer judges and the public reads.
//!
//! ```text
//! request body ─serde→ ProfileInput ─parse→ Profile (stored in events) ─missing_fields→ may it be submitted?
//!                       strings, unchecked    checked, cleaned          └warnings→ what a reviewer should look at
//! ```
//! Always: a [`Profile`] satisfies every rule about the fields it has; fields may still be absent, as in a draft.
//! What is absent is absent: no null, no empty string, no empty list is stored, and equal profiles are equal as JSON.
//! Personal data is only in [`Profile::contact_name`] and [`Profile::contact_phone`], sealed under the contact's subject.
//!
//! Fields: contract.md "Payloads"; rules: domain.md §1e and §4. Who may see the contact is decided where it is shown.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::credit_code::CreditCode;
use crate::dictionary::{Facility, Level, Service};
use crate::personal::Personal;
use crate::refusal::FieldError;
use crate::region::Region;
use crate::review::Content;

mod input;
pub use input::ProfileInput;
#[cfg(test)]
mod tests;

/// A checked profile, complete or not. The stored contract: never rename or retype a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Profile {
    /// 名称, 2–100 characters. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 运营单位, 2–100 characters. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_name: Option<String>,
    /// Credit code of the operator, GB 32100-2015. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_credit_code: Option<CreditCode>,
    /// 级别. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// 区划, GB/T 2260, below the province. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub district: Option<Region>,
    /// 详细地址, 2–200 characters. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Degrees east, −180 to 180, as the map gave it.
    #[serde(skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
    pub longitude: Option<Decimal>,
    /// Degrees north, −90 to 90, as the map gave it.
    #[serde(skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
    pub latitude: Option<Decimal>,
    /// 总面积, m², at most 2 places.
    #[serde(skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
    pub total_area_sqm: Option<Decimal>,
    /// 可出租面积, m², at most 2 places and not above the total.
    #[serde(skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
    pub rentable_area_sqm: Option<Decimal>,
    /// 已使用面积, m², at most 2 places and not above the rentable area.
    #[serde(skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
    pub used_area_sqm: Option<Decimal>,
    /// 投用日期, a civil date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_on: Option<NaiveDate>,
    /// 产业定位, at most 500 characters, may have several lines. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positioning: Option<String>,
    /// 公共服务项, each once, in the order given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// 配套, each once, in the order given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facilities: Vec<Facility>,
    /// 租金与政策, at most 5,000 characters of plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// 招商联系人, 2–100 characters. Personal data. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_name: Option<Personal<String>>,
    /// 联系电话 in its one spelling ([`crate::phone::ContactPhone`]). Personal data. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_phone: Option<Personal<String>>,
    /// Whether the contact may be shown to the public; absent is no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_public: Option<bool>,
    /// 介绍, at most 20,000 characters of plain text: markup in it is only text. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introduction: Option<String>,
    /// 图片: ids of at most 9 files, each once, in the order to show them in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Uuid>,
    /// 资质证明: ids of at most 20 files, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Uuid>,
}

impl Content for Profile {
    const FIELDS: &'static [&'static str] = &[
        "name",
        "operatorName",
        "operatorCreditCode",
        "level",
        "district",
        "address",
        "longitude",
        "latitude",
        "totalAreaSqm",
        "rentableAreaSqm",
        "usedAreaSqm",
        "openedOn",
        "positioning",
        "services",
        "facilities",
        "policy",
        "contactName",
        "contactPhone",
        "contactPublic",
        "introduction",
        "images",
        "certificates",
    ];
    const LISTS: &'static [&'static str] = &["services", "facilities", "images", "certificates"];
}

impl Profile {
    /// The required fields that are absent, in the order of the form, each with code `field.required`.
    pub fn missing_fields(&self) -> Vec<FieldError> {
        [
            ("/name", self.name.is_some(), "请填写名称"),
            ("/operatorName", self.operator_name.is_some(), "请填写运营单位"),
            ("/operatorCreditCode", self.operator_credit_code.is_some(), "请填写运营单位的统一社会信用代码"),
            ("/level", self.level.is_some(), "请选择级别"),
            ("/district", self.district.is_some(), "请选择所在区划"),
            ("/address", self.address.is_some(), "请填写详细地址"),
            ("/positioning", self.positioning.is_some(), "请填写产业定位"),
            ("/contactName", self.contact_name.is_some(), "请填写招商联系人"),
            ("/contactPhone", self.contact_phone.is_some(), "请填写联系电话"),
            ("/introduction", self.introduction.is_some(), "请填写介绍"),
        ]
        .into_iter()
        .filter(|(_, given, _)| !given)
        .map(|(pointer, _, detail)| FieldError::new(pointer, "field.required", detail))
        .collect()
    }

    /// What is allowed but probably a mistake; for the applicant and the reviewer to look at, never a refusal.
    pub fn warnings(&self) -> Vec<FieldError> {
        let mut warnings = Vec::new();
        if self.operator_credit_code.as_ref().is_some_and(|code| !code.organisation_code_matches()) {
            let detail = "信用代码中的组织机构代码校验不一致，请核对营业执照";
            warnings.push(FieldError::new("/operatorCreditCode", "credit_code.organisation_code", detail));
        }
        match (self.longitude, self.latitude) {
            (Some(longitude), Some(latitude)) if !in_hainan(longitude, latitude) => {
                let detail = "地图位置不在海南省范围内，请核对经纬度";
                warnings.push(FieldError::new("/longitude", "profile.point_outside", detail));
            }
            (Some(_), None) => warnings.push(half_a_point("/latitude", "只填写了经度，请补充纬度")),
            (None, Some(_)) => warnings.push(half_a_point("/longitude", "只填写了纬度，请补充经度")),
            (Some(_), Some(_)) | (None, None) => {}
        }
        warnings
    }
}

fn half_a_point(pointer: &str, detail: &str) -> FieldError {
    FieldError::new(pointer, "profile.point_incomplete", detail)
}

/// Whether a point lies in the box around Hainan island: 108.6–111.1° E, 18.1–20.2° N.
fn in_hainan(longitude: Decimal, latitude: Decimal) -> bool {
    (Decimal::new(1086, 1)..=Decimal::new(1111, 1)).contains(&longitude)
        && (Decimal::new(181, 1)..=Decimal::new(202, 1)).contains(&latitude)
}
