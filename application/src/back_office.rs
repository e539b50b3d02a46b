//! What a park says to somebody who writes in its back office: looked up in the park's events, not in a read model, so that
//! whoever was let out, or whose park was suspended, writes nothing from that moment on.
//!
//! It costs one more round trip than other commands, and one more again where the thing must be asked whose it is.

use chrono::{DateTime, Utc};
use domain::actor::Actor;
use domain::id::ParkId;
use domain::managed_enterprise::ManagedEnterprise;
use domain::news_article::NewsArticle;
use domain::park::{Park, Standing};
use domain::settlement_application::SettlementApplication;
use uuid::Uuid;

use crate::assessment::working_days;
use crate::execute::{App, ExecuteError};

/// How `by` stands to a park; to one that is not there everybody is an outsider.
pub async fn standing_in(app: &App, park: ParkId, by: &Actor) -> Result<Standing, ExecuteError> {
    Ok(app.load::<Park>(park.0).await?.state.standing(by))
}

/// How `by` stands to the park of an article; to an article that is not there everybody is an outsider.
pub async fn standing_to_news(app: &App, article: Uuid, by: &Actor) -> Result<Standing, ExecuteError> {
    match app.load::<NewsArticle>(article).await?.state.opened {
        Some(opened) => standing_in(app, opened.park, by).await,
        None => Ok(Standing::Outsider),
    }
}

/// How `by` stands to the park of an application to settle; to one that is not there everybody is an outsider.
pub async fn standing_to_settlement(
    app: &App,
    application: Uuid,
    by: &Actor,
) -> Result<Standing, ExecuteError> {
    match app.load::<SettlementApplication>(application).await?.state.submitted {
        Some(submitted) => standing_in(app, submitted.park, by).await,
        None => Ok(Standing::Outsider),
    }
}

/// Until when a park answers what is handed in now, as `days` working days count.
pub async fn answer_due(app: &App, days: u32) -> Result<DateTime<Utc>, ExecuteError> {
    let now = app.clock.now();
    Ok(working_days(app, now).await?.after(now, days))
}

/// How `by` stands to the park of an enterprise; to one that is not there everybody is an outsider.
pub async fn standing_to_enterprise(
    app: &App,
    enterprise: Uuid,
    by: &Actor,
) -> Result<Standing, ExecuteError> {
    match app.load::<ManagedEnterprise>(enterprise).await?.state.listed {
        Some(listed) => standing_in(app, listed.park, by).await,
        None => Ok(Standing::Outsider),
    }
}
