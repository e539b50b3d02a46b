//! Bodies of the applications to settle: what is sent and what is answered.

use chrono::NaiveDate;
use domain::settlement_application::{Outcome, Settlement, SettlementInput};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An application to settle in a park.
#[derive(Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SettlementApplication)]
pub struct SubmitSettlement {
    /// `enterprise`, `person` or `planned`. Required.
    pub applicant_type: Option<String>,
    /// 企业名称. Required of an enterprise.
    pub enterprise_name: Option<String>,
    /// 统一社会信用代码
    pub credit_code: Option<String>,
    /// 联系人. Personal data. Required.
    pub contact_name: Option<String>,
    /// 联系电话: mobile, fixed or service line. Personal data. Required.
    pub contact_phone: Option<String>,
    /// 行业, at most 100 characters.
    pub industry: Option<String>,
    /// 业务模式, at most 100 characters.
    pub business_model: Option<String>,
    /// 需求面积, m², a decimal string.
    #[schema(format = "decimal")]
    pub area_sqm: Option<String>,
    /// 期望入驻时间, `YYYY-MM-DD`.
    #[schema(format = "date")]
    pub expected_on: Option<String>,
    /// 预计年交易额, 万元, a decimal string.
    #[schema(format = "decimal")]
    pub expected_turnover_wan: Option<String>,
    /// 诉求, at most 500 characters.
    pub needs: Option<String>,
    /// File ids (UUID), at most 5.
    pub attachments: Option<Vec<String>>,
    /// 同意将联系方式提供给该园区. Must be true.
    pub consent_to_share_contact: Option<bool>,
    /// My earlier application that this one follows.
    pub previous_id: Option<Uuid>,
}

impl From<SubmitSettlement> for SettlementInput {
    fn from(body: SubmitSettlement) -> Self {
        Self {
            applicant_type: body.applicant_type,
            enterprise_name: body.enterprise_name,
            credit_code: body.credit_code,
            contact_name: body.contact_name,
            contact_phone: body.contact_phone,
            industry: body.industry,
            business_model: body.business_model,
            area_sqm: body.area_sqm,
            expected_on: body.expected_on,
            expected_turnover_wan: body.expected_turnover_wan,
            needs: body.needs,
            attachments: body.attachments,
            consent_to_share_contact: body.consent_to_share_contact,
        }
    }
}

/// 已落地
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LandSettlement {
    /// The applicant's name as the person sees it: the enterprise's, or the contact's in full or masked.
    pub confirm: String,
}

/// A note.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoteSettlement {
    /// 1 to 1,000 characters.
    pub text: String,
}

/// How it ended.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SettlementOutcome {
    /// 已落地
    Landed,
    /// 未落地
    NotLanded,
}

impl From<SettlementOutcome> for Outcome {
    fn from(outcome: SettlementOutcome) -> Self {
        match outcome {
            SettlementOutcome::Landed => Self::Landed,
            SettlementOutcome::NotLanded => Self::NotLanded,
        }
    }
}

/// A correction of the outcome.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CorrectSettlement {
    /// What is right.
    pub outcome: SettlementOutcome,
    /// Why; 5 to 500 characters.
    pub reason: String,
}

/// The contact in full.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContactReceipt {
    /// The application.
    id: Uuid,
    /// Its version now.
    version: i64,
    /// 联系人; absent when the applicant was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_name: Option<String>,
    /// 联系电话; absent when the applicant was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_phone: Option<String>,
}

impl ContactReceipt {
    /// Of an application; id and version are the receipt's.
    pub fn of(application: &Settlement) -> Self {
        Self {
            id: Uuid::nil(),
            version: 0,
            contact_name: application.contact_name.value().cloned(),
            contact_phone: application.contact_phone.value().cloned(),
        }
    }
}

/// What is known of an enterprise that landed, in the fields of the roster.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnterpriseDraft {
    /// 企业名称
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// 统一社会信用代码
    #[serde(skip_serializing_if = "Option::is_none")]
    credit_code: Option<String>,
    /// 入驻日期: today.
    settled_on: NaiveDate,
    /// 入驻状态: `resident`.
    status: &'static str,
    /// 办公面积, m²: what they asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "decimal")]
    office_area_sqm: Option<String>,
    /// 主营品类: their business model.
    #[serde(skip_serializing_if = "Option::is_none")]
    products: Option<String>,
}

impl EnterpriseDraft {
    /// Of an application that landed `today`.
    pub fn of(application: &Settlement, today: NaiveDate) -> Self {
        Self {
            name: application.enterprise_name.clone(),
            credit_code: application.credit_code.as_ref().map(ToString::to_string),
            settled_on: today,
            status: "resident",
            office_area_sqm: application.area_sqm.map(|area| area.to_string()),
            products: application.business_model.clone(),
        }
    }
}

/// The answer to landing.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LandedReceipt {
    /// The application.
    id: Uuid,
    /// Its version now.
    version: i64,
    /// To add the enterprise to the roster with (是否加入企业名录).
    enterprise_draft: EnterpriseDraft,
}

impl LandedReceipt {
    /// With this draft; id and version are the receipt's.
    pub fn of(enterprise_draft: EnterpriseDraft) -> Self {
        Self { id: Uuid::nil(), version: 0, enterprise_draft }
    }
}
