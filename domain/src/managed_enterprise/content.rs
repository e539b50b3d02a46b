//! What is known of an enterprise on a roster: as it comes in ([`EnterpriseInput`]), and checked
//! ([`ManagedEnterpriseProfile`]).
//!
//! Always: complete and checked; personal data is only in the legal representative and the contact, sealed under the
//! enterprise's own subject, so that nobody's erasure but theirs takes them away.
//! Fields and their order: contract.md "Payloads", which the workbook of the import shares.

use std::fmt;
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;
use uuid::Uuid;

use super::FieldChange;
use crate::credit_code::{CreditCode, CreditCodeError};
use crate::decimal::Bounds;
use crate::dictionary::{CustomsRegime, EnterpriseCategory};
use crate::personal::Personal;
use crate::phone::{ContactPhone, PhoneError};
use crate::reader::Reader;
use crate::refusal::FieldError;
use crate::review::diff;

/// Names of organisations and people (domain.md §4 "Text").
const NAME_CHARS: RangeInclusive<usize> = 2..=100;
/// 主营品类
const PRODUCTS_CHARS: RangeInclusive<usize> = 1..=200;
/// 备注
const REMARK_CHARS: RangeInclusive<usize> = 1..=500;
/// One square kilometre: no enterprise of a park has more office.
const AREA_SQM_MAX: i64 = 1_000_000;
/// More people than any enterprise of the zone employs.
const EMPLOYEES_MAX: i64 = 1_000_000;
/// A thousand billion yuan in units of ten thousand.
const TURNOVER_WAN_MAX: i64 = 100_000_000;
/// Reform began; no enterprise of a roster settled earlier.
const SETTLED_ON_MIN: NaiveDate = NaiveDate::from_ymd_opt(1978, 12, 18).expect("a day of the calendar");

/// Whether it is in the park (入驻状态).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum EnterpriseStatus {
    /// 在园
    Resident,
    /// 迁出
    Left,
}

impl EnterpriseStatus {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Resident => "在园",
            Self::Left => "迁出",
        }
    }
}

/// A checked enterprise. The stored contract: never rename or retype a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedEnterpriseProfile {
    /// 企业名称, 2–100 characters.
    pub name: String,
    /// 统一社会信用代码
    pub credit_code: CreditCode,
    /// 入驻日期
    pub settled_on: NaiveDate,
    /// 入驻状态
    pub status: EnterpriseStatus,
    /// 企业类型
    pub category: EnterpriseCategory,
    /// 主营品类, at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub products: Option<String>,
    /// 监管方式, each once, in the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regimes: Vec<CustomsRegime>,
    /// 法定代表人. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_representative: Option<Personal<String>>,
    /// 联系人. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_name: Option<Personal<String>>,
    /// 联系电话 in its one spelling. Personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_phone: Option<Personal<String>>,
    /// 办公面积, m², at most 2 places.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
    pub office_area_sqm: Option<Decimal>,
    /// 从业人数
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employees: Option<u32>,
    /// 上年交易额, 10,000 yuan, at most 2 places.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
    pub last_year_turnover_wan: Option<Decimal>,
    /// 是否规上
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above_scale: Option<bool>,
    /// 备注, at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

impl ManagedEnterpriseProfile {
    /// The fields that differ from `before`, in the order of their names.
    ///
    /// Personal values are compared as they are readable here, and stay personal in the changes.
    pub fn changes_from(&self, before: &Self) -> Vec<FieldChange> {
        let json = |profile: &Self| serde_json::to_value(profile).unwrap_or_default();
        let changes = diff(&json(before), &json(self)).into_iter();
        changes
            .map(|change| FieldChange { pointer: change.pointer, before: change.before, after: change.after })
            .collect()
    }
}

/// The `enterprise` payload of contract.md. JSON null and absent are the same; unknown fields are refused.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EnterpriseInput {
    /// 企业名称
    pub name: Option<String>,
    /// 统一社会信用代码
    pub credit_code: Option<String>,
    /// 入驻日期, `YYYY-MM-DD`.
    pub settled_on: Option<String>,
    /// `resident` or `left`.
    pub status: Option<String>,
    /// Code of the dictionary `enterpriseCategories`.
    pub category: Option<String>,
    /// 主营品类
    pub products: Option<String>,
    /// Codes of the dictionary `customsRegimes`.
    pub regimes: Option<Vec<String>>,
    /// 法定代表人. Personal data.
    pub legal_representative: Option<String>,
    /// 联系人. Personal data.
    pub contact_name: Option<String>,
    /// 联系电话. Personal data.
    pub contact_phone: Option<String>,
    /// 办公面积, m², a decimal string.
    pub office_area_sqm: Option<String>,
    /// 从业人数, a whole number as a string.
    pub employees: Option<String>,
    /// 上年交易额, 万元, a decimal string.
    pub last_year_turnover_wan: Option<String>,
    /// 是否规上
    pub above_scale: Option<bool>,
    /// 备注
    pub remark: Option<String>,
}

impl EnterpriseInput {
    /// The checked enterprise, or everything that is wrong with it, with pointers such as `/creditCode`.
    ///
    /// `subject` is the id whose key seals the personal fields: the enterprise's own. `today` bounds the day it settled.
    pub fn parse(self, subject: Uuid, today: NaiveDate) -> Result<ManagedEnterpriseProfile, Vec<FieldError>> {
        let number = |max: i64, places: usize| Bounds { min: Decimal::ZERO, max: Decimal::from(max), places };
        let person = |name: String| Personal::of(subject, name);
        let mut read = Reader::default();
        let name = read.line("/name", self.name, NAME_CHARS);
        let credit_code = read.value("/creditCode", self.credit_code, CreditCode::parse, CreditCodeError::at);
        let settled_on = read.date("/settledOn", self.settled_on, SETTLED_ON_MIN);
        let status = read.choice("/status", self.status);
        let category = read.choice("/category", self.category);
        let products = read.line("/products", self.products, PRODUCTS_CHARS);
        let regimes = read.choices("/regimes", self.regimes, CustomsRegime::iter().count());
        let legal_representative =
            read.line("/legalRepresentative", self.legal_representative, NAME_CHARS).map(person);
        let contact_name = read.line("/contactName", self.contact_name, NAME_CHARS).map(person);
        let contact_phone = read
            .value("/contactPhone", self.contact_phone, ContactPhone::parse, PhoneError::at)
            .map(|phone| person(phone.into()));
        let office_area_sqm = read.decimal("/officeAreaSqm", self.office_area_sqm, &number(AREA_SQM_MAX, 2));
        let employees = read.decimal("/employees", self.employees, &number(EMPLOYEES_MAX, 0));
        let last_year_turnover_wan =
            read.decimal("/lastYearTurnoverWan", self.last_year_turnover_wan, &number(TURNOVER_WAN_MAX, 2));
        let remark = read.lines("/remark", self.remark, REMARK_CHARS);
        read.require("/name", name.is_some(), "请填写企业名称");
        read.require("/creditCode", credit_code.is_some(), "请填写统一社会信用代码");
        read.require("/settledOn", settled_on.is_some(), "请填写入驻日期");
        read.require("/status", status.is_some(), "请选择入驻状态");
        read.require("/category", category.is_some(), "请选择企业类型");
        if settled_on.is_some_and(|settled_on| settled_on > today) {
            let detail = "入驻日期不能晚于今天";
            read.errors.push(FieldError::new("/settledOn", "managed_enterprise.settled_later", detail));
        }
        match (name, credit_code, settled_on, status, category) {
            (Some(name), Some(credit_code), Some(settled_on), Some(status), Some(category))
                if read.errors.is_empty() =>
            {
                Ok(ManagedEnterpriseProfile {
                    name,
                    credit_code,
                    settled_on,
                    status,
                    category,
                    products,
                    regimes,
                    legal_representative,
                    contact_name,
                    contact_phone,
                    office_area_sqm,
                    employees: employees.and_then(|count| u32::try_from(count).ok()),
                    last_year_turnover_wan,
                    above_scale: self.above_scale,
                    remark,
                })
            }
            _ => Err(read.errors),
        }
    }
}

/// Prints only what is no personal data.
impl fmt::Debug for EnterpriseInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterpriseInput")
            .field("name", &self.name)
            .field("credit_code", &self.credit_code)
            .finish_non_exhaustive()
    }
}
