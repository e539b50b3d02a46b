//! What each row of an import would do.

use serde::{Deserialize, Serialize};

/// What an import may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumString, strum::IntoStaticStr,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum ImportMode {
    /// 仅新增
    Add,
    /// 新增并更新
    Upsert,
}

/// What was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceFile {
    /// Of its bytes, 64 hexadecimal digits: where they are kept.
    pub sha256: String,
    /// How many.
    pub size: u64,
}

/// What a row does. A letter each where they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumIter)]
pub enum Outcome {
    /// 新增
    Add,
    /// 更新
    Update,
    /// 未变
    Unchanged,
    /// 错误
    Error,
}

impl Outcome {
    /// As it is stored.
    pub fn letter(self) -> char {
        match self {
            Self::Add => 'a',
            Self::Update => 'u',
            Self::Unchanged => 'k',
            Self::Error => 'e',
        }
    }

    /// What a letter stands for; an unknown one is an error, which changes nothing.
    pub fn of_letter(letter: char) -> Self {
        match letter {
            'a' => Self::Add,
            'u' => Self::Update,
            'k' => Self::Unchanged,
            _ => Self::Error,
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Add => "新增",
            Self::Update => "更新",
            Self::Unchanged => "未变",
            Self::Error => "错误",
        }
    }
}

/// What every row does, and against which roster that was worked out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// A letter of [`Outcome`] for each row that holds something, in the order of the file.
    pub outcomes: String,
    /// SHA-256 over the enterprises of the roster that rows met, with their versions.
    pub basis: String,
}

impl Plan {
    /// How many rows there are.
    pub fn rows(&self) -> u32 {
        u32::try_from(self.outcomes.len()).unwrap_or(u32::MAX)
    }

    /// How many rows do what.
    pub fn summary(&self) -> ImportSummary {
        let mut summary = ImportSummary { rows: self.rows(), ..ImportSummary::default() };
        for letter in self.outcomes.chars() {
            match Outcome::of_letter(letter) {
                Outcome::Add => summary.add += 1,
                Outcome::Update => summary.update += 1,
                Outcome::Unchanged => summary.unchanged += 1,
                Outcome::Error => summary.error += 1,
            }
        }
        summary
    }
}

/// How many rows do what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportSummary {
    /// Rows that hold something, the header not counted.
    pub rows: u32,
    /// 新增
    pub add: u32,
    /// 更新
    pub update: u32,
    /// 未变
    pub unchanged: u32,
    /// 错误
    pub error: u32,
}
