//! What the clock makes of an open cycle, for one park.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// When one park may file, extensions counted. Each window holds its beginning and not its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deadlines {
    /// From when on it may file.
    pub filing_opens_at: DateTime<Utc>,
    /// When filing in time ends.
    pub filing_closes_at: DateTime<Utc>,
    /// When late filing ends.
    pub supplement_closes_at: DateTime<Utc>,
}

/// Which window a park is in.
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
pub enum Window {
    /// Filing has not begun.
    Upcoming,
    /// 填报
    Filing,
    /// 补填
    Supplement,
    /// Over.
    Closed,
}

impl Window {
    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Upcoming => "未开始",
            Self::Filing => "填报中",
            Self::Supplement => "补填中",
            Self::Closed => "已截止",
        }
    }
}

impl Deadlines {
    /// The window at `at`.
    pub fn window(&self, at: DateTime<Utc>) -> Window {
        if at < self.filing_opens_at {
            Window::Upcoming
        } else if at < self.filing_closes_at {
            Window::Filing
        } else if at < self.supplement_closes_at {
            Window::Supplement
        } else {
            Window::Closed
        }
    }
}
