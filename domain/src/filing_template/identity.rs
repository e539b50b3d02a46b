//! Which cycle, scheme and park a template is for, as its hidden sheet says it.

use std::collections::BTreeMap;

use crate::id::{AssessmentCycleId, ParkId};
use crate::refusal::{Kind, Refusal};

/// What kind of workbook it is; of the template's layout, to be changed with it.
const FORMAT: &str = "zsq.filing-template.1";

/// What a template is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The cycle.
    pub cycle: AssessmentCycleId,
    /// SHA-256 of the scheme; hex.
    pub scheme_version: String,
    /// The park.
    pub park: ParkId,
}

/// Why a workbook is not imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilingTemplateError {
    /// Some other workbook.
    #[error("这不是从本平台下载的考核填报模板，请下载模板填写后再上传")]
    NotATemplate,
    /// That of another cycle.
    #[error("这是另一次考核的填报模板，请下载本次考核的模板")]
    OtherCycle,
    /// That of another park.
    #[error("这是另一个园区/基地的填报模板，请下载本园区/基地的模板")]
    OtherPark,
    /// That of another scheme.
    #[error("模板对应的考核方案版本与现行方案不一致，请重新下载模板")]
    OtherScheme,
}

impl Refusal for FilingTemplateError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotATemplate => "filing_template.not_a_template",
            Self::OtherCycle => "filing_template.other_cycle",
            Self::OtherPark => "filing_template.other_park",
            Self::OtherScheme => "filing_template.other_scheme",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

impl Identity {
    /// Name and value of each row of the hidden sheet.
    pub fn pairs(&self) -> [(&'static str, String); 4] {
        [
            ("format", FORMAT.to_owned()),
            ("cycleId", self.cycle.to_string()),
            ("schemeVersion", self.scheme_version.clone()),
            ("parkId", self.park.to_string()),
        ]
    }

    /// Refuses a workbook whose hidden sheet says anything else.
    pub fn check(&self, said: &BTreeMap<String, String>) -> Result<(), FilingTemplateError> {
        let reasons = [
            FilingTemplateError::NotATemplate,
            FilingTemplateError::OtherCycle,
            FilingTemplateError::OtherScheme,
            FilingTemplateError::OtherPark,
        ];
        if !self.pairs().iter().all(|(name, _)| said.contains_key(*name)) {
            return Err(FilingTemplateError::NotATemplate);
        }
        let differs = |((name, value), reason): ((&str, String), FilingTemplateError)| {
            (said.get(name) != Some(&value)).then_some(reason)
        };
        self.pairs().into_iter().zip(reasons).find_map(differs).map_or(Ok(()), Err)
    }
}
