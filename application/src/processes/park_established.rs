//! An approved application becomes a park, and its applicant enters the back office.
//!
//! The park's id follows from the application's, so being told twice makes one park; a crash between approval and
//! establishment is mended by the next run.

use async_trait::async_trait;
use domain::actor::Actor;
use domain::event::Event;
use domain::id::{ParkId, ProviderApplicationId, following};
use domain::park::{Park, ParkCommand};
use domain::provider_application::{ProviderApplication, ProviderApplicationEvent};
use domain::review::ReviewEvent;
use uuid::Uuid;

use crate::execute::{App, Context, ExecuteError, Order};
use crate::ports::StoreError;
use crate::processes::{Process, caused_by};
use crate::recorded::Recorded;

/// Namespace of park ids: what tells them from other ids that might follow from an application's.
const PARKS: Uuid = Uuid::from_u128(0x5a51_7061_726b_5000_8000_7a73_712d_7061);

/// The process.
pub struct ParkEstablished;

/// The id of the park that comes of an application.
pub fn park_of(application: ProviderApplicationId) -> ParkId {
    ParkId(following(application.0, &PARKS, application.0.as_bytes()))
}

#[async_trait]
impl Process for ParkEstablished {
    fn name(&self) -> &'static str {
        "park_established"
    }

    fn event_types(&self) -> &'static [&'static str] {
        &["ProviderApplicationApproved"]
    }

    async fn react(&self, app: &App, event: &Recorded) -> Result<(), ExecuteError> {
        let Event::ProviderApplication(ProviderApplicationEvent::Review(ReviewEvent::Approved { .. })) =
            &event.event
        else {
            return Ok(());
        };
        let id = event.id().map_err(|source| StoreError::Failed(Box::new(source)))?;
        establish(app, ProviderApplicationId(id), caused_by(event)).await
    }
}

/// Makes the park of an approved application; does nothing when it is there.
pub async fn establish(
    app: &App,
    application: ProviderApplicationId,
    context: Context,
) -> Result<(), ExecuteError> {
    let folded = app.load::<ProviderApplication>(application.0).await?;
    let (Some(opened), Some(live)) = (folded.state.opened.as_ref(), folded.state.review.live()) else {
        let source = format!("application {application} was approved but has no approved revision");
        return Err(StoreError::Failed(source.into()).into());
    };
    let command = ParkCommand::Establish {
        application,
        kind: opened.kind,
        owner: opened.applicant,
        profile: Box::new(live.content.clone()),
    };
    let (id, actor) = (park_of(application).0, Actor::Process(ParkEstablished.name()));
    app.execute::<Park>(Order::new(id, actor, command, context)).await?;
    Ok(())
}
