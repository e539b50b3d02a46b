//! The fixed dictionaries of the front ends (`GET dictionaries`): codes as stored and sent, labels as people read them.
//!
//! Always: every code a front end can choose is here, and every code here is accepted where it is chosen;
//! the enums are the only list, so a new variant is a new entry.
//! Fields: contract.md "Payloads", domain.md §1e; customs regimes: the announcements named at [`CustomsRegime`].

use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;

use crate::managed_enterprise::EnterpriseStatus;
use crate::park::ParkKind;
use crate::region::Region;
use crate::review::State;
use crate::settlement_application::{ApplicantType, SettlementState};

/// One choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// As stored and sent; stable.
    pub code: &'static str,
    /// As people read it, in Chinese.
    pub label: &'static str,
}

/// The choices of one kind, in the order to show them in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dictionary {
    /// camelCase, stable.
    pub name: &'static str,
    /// The choices.
    pub entries: Vec<Entry>,
}

/// Who recognised a park or base (级别).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Level {
    /// 国家级
    National,
    /// 省级
    Provincial,
    /// 市级
    Municipal,
    /// 未定级
    None,
}

impl Level {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::National => "国家级",
            Self::Provincial => "省级",
            Self::Municipal => "市级",
            Self::None => "未定级",
        }
    }
}

/// Customs regimes of cross-border e-commerce (监管方式) with their official names.
///
/// Announcements of the General Administration of Customs: 9610 in 2014-12, 1210 in 2014-57, 1239 in 2016-75,
/// 9710 and 9810 in 2020-75; 0110 is general trade.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
pub enum CustomsRegime {
    /// 9610, retail import and export, declared by list.
    #[serde(rename = "9610")]
    #[strum(serialize = "9610")]
    Retail,
    /// 9710, exported directly to a business.
    #[serde(rename = "9710")]
    #[strum(serialize = "9710")]
    BusinessExport,
    /// 9810, exported to a warehouse overseas.
    #[serde(rename = "9810")]
    #[strum(serialize = "9810")]
    OverseasWarehouse,
    /// 1210, bonded.
    #[serde(rename = "1210")]
    #[strum(serialize = "1210")]
    Bonded,
    /// 1239, bonded, in cities outside the list.
    #[serde(rename = "1239")]
    #[strum(serialize = "1239")]
    BondedA,
    /// 0110, general trade.
    #[serde(rename = "0110")]
    #[strum(serialize = "0110")]
    GeneralTrade,
}

impl CustomsRegime {
    /// As people read it, the code first: that is what they search for.
    pub fn label(self) -> &'static str {
        match self {
            Self::Retail => "9610 跨境贸易电子商务",
            Self::BusinessExport => "9710 跨境电子商务企业对企业直接出口",
            Self::OverseasWarehouse => "9810 跨境电子商务出口海外仓",
            Self::Bonded => "1210 保税跨境贸易电子商务",
            Self::BondedA => "1239 保税跨境贸易电子商务A",
            Self::GeneralTrade => "0110 一般贸易",
        }
    }
}

/// What an enterprise of a park's roster does (企业类型).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum EnterpriseCategory {
    /// 平台
    Platform,
    /// 卖家
    Seller,
    /// 物流
    Logistics,
    /// 支付
    Payment,
    /// 服务
    Service,
    /// 其他
    Other,
}

impl EnterpriseCategory {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Platform => "平台",
            Self::Seller => "卖家",
            Self::Logistics => "物流",
            Self::Payment => "支付",
            Self::Service => "服务",
            Self::Other => "其他",
        }
    }
}

/// Where an article of a park's news is filed (栏目).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum NewsColumn {
    /// 园区动态
    Updates,
    /// 通知公告
    Notices,
    /// 招商活动
    Events,
    /// 政策解读
    Policy,
    /// 行业资讯
    Industry,
}

impl NewsColumn {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Updates => "园区动态",
            Self::Notices => "通知公告",
            Self::Events => "招商活动",
            Self::Policy => "政策解读",
            Self::Industry => "行业资讯",
        }
    }
}

/// What a park or base does for its enterprises (公共服务项).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Service {
    /// 通关
    Customs,
    /// 物流
    Logistics,
    /// 金融
    Finance,
    /// 人才
    Talent,
    /// 法律
    Legal,
    /// 海外仓
    OverseasWarehouse,
    /// 数据
    Data,
    /// 孵化
    Incubation,
}

impl Service {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Customs => "通关",
            Self::Logistics => "物流",
            Self::Finance => "金融",
            Self::Talent => "人才",
            Self::Legal => "法律",
            Self::OverseasWarehouse => "海外仓",
            Self::Data => "数据",
            Self::Incubation => "孵化",
        }
    }
}

/// What a park or base has on its grounds (配套).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum Facility {
    /// 仓储
    Warehousing,
    /// 保税
    Bonded,
    /// 直播
    LiveStreaming,
    /// 人才公寓
    TalentHousing,
}

impl Facility {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Warehousing => "仓储",
            Self::Bonded => "保税",
            Self::LiveStreaming => "直播",
            Self::TalentHousing => "人才公寓",
        }
    }
}

/// All dictionaries.
pub fn all() -> Vec<Dictionary> {
    let districts = Region::choices().map(|region| Entry { code: region.code(), label: region.name() });
    vec![
        Dictionary { name: "parkKinds", entries: entries(ParkKind::label) },
        Dictionary { name: "levels", entries: entries(Level::label) },
        Dictionary { name: "districts", entries: districts.collect() },
        Dictionary { name: "customsRegimes", entries: entries(CustomsRegime::label) },
        Dictionary { name: "enterpriseCategories", entries: entries(EnterpriseCategory::label) },
        Dictionary { name: "newsColumns", entries: entries(NewsColumn::label) },
        Dictionary { name: "applicantTypes", entries: entries(ApplicantType::label) },
        Dictionary { name: "settlementStates", entries: entries(SettlementState::label) },
        Dictionary { name: "enterpriseStatuses", entries: entries(EnterpriseStatus::label) },
        Dictionary { name: "reviewStates", entries: entries(State::label) },
        Dictionary { name: "services", entries: entries(Service::label) },
        Dictionary { name: "facilities", entries: entries(Facility::label) },
    ]
}

/// One entry per variant, in the order of the enum.
fn entries<T: IntoEnumIterator + Into<&'static str> + Copy>(label: fn(T) -> &'static str) -> Vec<Entry> {
    T::iter().map(|choice| Entry { code: choice.into(), label: label(choice) }).collect()
}

#[cfg(test)]
mod tests;
