//! What an application to settle says: as it comes in ([`SettlementInput`]), and checked ([`Settlement`]).
//!
//! Always: complete and checked; personal data is only in the contact's name and phone, sealed under the applicant's key.
//! Fields: contract.md "Payloads", domain.md §1e.

use std::fmt;
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::credit_code::{CreditCode, CreditCodeError};
use crate::decimal::Bounds;
use crate::personal::Personal;
use crate::phone::{ContactPhone, PhoneError};
use crate::reader::Reader;
use crate::refusal::FieldError;

/// Names of organisations and people (domain.md §4 "Text").
const NAME_CHARS: RangeInclusive<usize> = 2..=100;
/// A trade, a business model: a few words.
const WORDS_CHARS: RangeInclusive<usize> = 1..=100;
/// 诉求 (domain.md §1e).
const NEEDS_CHARS: RangeInclusive<usize> = 1..=500;
/// Attachments (domain.md §1e).
const ATTACHMENTS_MAX: usize = 5;
/// One square kilometre: no applicant asks for more.
const AREA_SQM_MAX: i64 = 1_000_000;
/// A hundred billion yuan in units of ten thousand.
const TURNOVER_WAN_MAX: i64 = 10_000_000;
/// No application of the platform looks at days before it.
const EXPECTED_ON_MIN: NaiveDate = NaiveDate::from_ymd_opt(2020, 1, 1).expect("a day of the calendar");

/// Who wants to settle (申请主体).
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
pub enum ApplicantType {
    /// 企业
    Enterprise,
    /// 个人
    Person,
    /// 拟设立企业
    Planned,
}

impl ApplicantType {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Enterprise => "企业",
            Self::Person => "个人",
            Self::Planned => "拟设立企业",
        }
    }
}

/// A checked application. The stored contract: never rename or retype a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settlement {
    /// 申请主体
    pub applicant_type: ApplicantType,
    /// 企业名称, 2–100 characters; of an enterprise always there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enterprise_name: Option<String>,
    /// 统一社会信用代码
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_code: Option<CreditCode>,
    /// 联系人, 2–100 characters. Personal data.
    pub contact_name: Personal<String>,
    /// 联系电话 in its one spelling ([`ContactPhone`]). Personal data.
    pub contact_phone: Personal<String>,
    /// 行业
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub industry: Option<String>,
    /// 业务模式
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_model: Option<String>,
    /// 需求面积, m², at most 2 places.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
    pub area_sqm: Option<Decimal>,
    /// 期望入驻时间, a civil date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_on: Option<NaiveDate>,
    /// 预计年交易额, 10,000 yuan, at most 2 places.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "rust_decimal::serde::str_option")]
    pub expected_turnover_wan: Option<Decimal>,
    /// 诉求, at most 500 characters, may have several lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<String>,
    /// 附件: ids of at most 5 files, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Uuid>,
}

/// The `settlementApplication` payload of contract.md. JSON null and absent are the same; unknown fields are refused.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SettlementInput {
    /// `enterprise`, `person` or `planned`.
    pub applicant_type: Option<String>,
    /// 企业名称
    pub enterprise_name: Option<String>,
    /// 统一社会信用代码
    pub credit_code: Option<String>,
    /// 联系人. Personal data.
    pub contact_name: Option<String>,
    /// 联系电话. Personal data.
    pub contact_phone: Option<String>,
    /// 行业
    pub industry: Option<String>,
    /// 业务模式
    pub business_model: Option<String>,
    /// 需求面积, m², a decimal string.
    pub area_sqm: Option<String>,
    /// 期望入驻时间, `YYYY-MM-DD`.
    pub expected_on: Option<String>,
    /// 预计年交易额, 万元, a decimal string.
    pub expected_turnover_wan: Option<String>,
    /// 诉求
    pub needs: Option<String>,
    /// File ids (UUID).
    pub attachments: Option<Vec<String>>,
    /// 同意将联系方式提供给该园区
    pub consent_to_share_contact: Option<bool>,
}

impl SettlementInput {
    /// The checked application, or everything that is wrong with it, with pointers such as `/contactName`.
    ///
    /// `subject` is the account whose key seals the contact.
    pub fn parse(self, subject: Uuid) -> Result<Settlement, Vec<FieldError>> {
        let amount = |max: i64| Bounds { min: Decimal::ZERO, max: Decimal::from(max), places: 2 };
        let mut read = Reader::default();
        let applicant_type: Option<ApplicantType> = read.choice("/applicantType", self.applicant_type);
        let enterprise_name = read.line("/enterpriseName", self.enterprise_name, NAME_CHARS);
        let credit_code = read.value("/creditCode", self.credit_code, CreditCode::parse, CreditCodeError::at);
        let contact_name = read.line("/contactName", self.contact_name, NAME_CHARS);
        let contact_phone =
            read.value("/contactPhone", self.contact_phone, ContactPhone::parse, PhoneError::at);
        let industry = read.line("/industry", self.industry, WORDS_CHARS);
        let business_model = read.line("/businessModel", self.business_model, WORDS_CHARS);
        let area_sqm = read.decimal("/areaSqm", self.area_sqm, &amount(AREA_SQM_MAX));
        let expected_on = read.date("/expectedOn", self.expected_on, EXPECTED_ON_MIN);
        let expected_turnover_wan =
            read.decimal("/expectedTurnoverWan", self.expected_turnover_wan, &amount(TURNOVER_WAN_MAX));
        let needs = read.lines("/needs", self.needs, NEEDS_CHARS);
        let attachments = read.files("/attachments", self.attachments, ATTACHMENTS_MAX);
        let is_enterprise = applicant_type == Some(ApplicantType::Enterprise);
        read.require("/applicantType", applicant_type.is_some(), "请选择申请主体");
        read.require("/enterpriseName", enterprise_name.is_some() || !is_enterprise, "请填写企业名称");
        read.require("/contactName", contact_name.is_some(), "请填写联系人");
        read.require("/contactPhone", contact_phone.is_some(), "请填写联系电话");
        if self.consent_to_share_contact != Some(true) {
            let detail = "需要您同意将联系方式提供给该园区，园区才能与您联系";
            read.errors.push(FieldError::new(
                "/consentToShareContact",
                "settlement_application.consent_required",
                detail,
            ));
        }
        match (applicant_type, contact_name, contact_phone) {
            (Some(applicant_type), Some(name), Some(phone)) if read.errors.is_empty() => Ok(Settlement {
                applicant_type,
                enterprise_name,
                credit_code,
                contact_name: Personal::of(subject, name),
                contact_phone: Personal::of(subject, phone.into()),
                industry,
                business_model,
                area_sqm,
                expected_on,
                expected_turnover_wan,
                needs,
                attachments,
            }),
            _ => Err(read.errors),
        }
    }
}

/// Prints only what is no personal data.
impl fmt::Debug for SettlementInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettlementInput")
            .field("applicant_type", &self.applicant_type)
            .field("enterprise_name", &self.enterprise_name)
            .finish_non_exhaustive()
    }
}
