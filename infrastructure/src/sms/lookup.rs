//! What follows when a gateway's answer did not come: its receipts are looked at, then it is decided.
//!
//! ```text
//! submitted ── answer ───────────────────────────────► sent · not sent
//!     │
//!     └── no answer ── receipt ── there ─────────────► sent · refused (the network did not deliver)
//!                        │  ▲
//!                        │  └── not there: once more, as receipts lag
//!                        ├── never had it ──────────► not sent: may be tried again, or by another gateway
//!                        └── does not say ──────────► unknown: nobody sends it again without looking
//! ```

use std::time::Duration;

use application::ports::{Sms, SmsError, SmsMessage, SmsReceipt};

use super::{Verdict, unavailable};
use crate::outbound::OutboundError;

/// A gateway said something that leaves open whether it took the message; its code.
#[derive(Debug, thiserror::Error)]
#[error("the gateway answered {0:?}, which says neither yes nor no")]
pub(super) struct Unclear(pub String);

/// How patient a gateway's client is.
#[derive(Debug, Clone, Copy)]
pub struct Lookup {
    /// A whole call. The provider's own clients wait as long; a person waits for the answer.
    pub call_timeout: Duration,
    /// Before each look at the receipts.
    pub pause: Duration,
    /// Looks at the receipts.
    pub looks: u32,
}

impl Default for Lookup {
    fn default() -> Self {
        Self { call_timeout: Duration::from_secs(5), pause: Duration::from_secs(1), looks: 2 }
    }
}

impl Lookup {
    /// The outcome of a submission, with the receipts where the answer does not tell.
    pub(super) async fn settle(
        &self,
        gateway: &(impl Sms + ?Sized),
        message: &SmsMessage,
        outcome: Result<Verdict, OutboundError>,
    ) -> Result<(), SmsError> {
        let open: Box<dyn std::error::Error + Send + Sync> = match outcome {
            Ok(Verdict::Sent) => return Ok(()),
            Ok(Verdict::Not(error)) => return Err(error),
            Ok(Verdict::Unclear(code)) => Box::new(Unclear(code)),
            Err(error @ OutboundError::NotSent(_)) => return Err(unavailable(error)),
            Err(
                error @ (OutboundError::NoAnswer(_) | OutboundError::TooLong | OutboundError::NotJson { .. }),
            ) => Box::new(error),
        };
        let mut seen = SmsReceipt::NotSeen;
        for _ in 0..self.looks {
            tokio::time::sleep(self.pause).await;
            match gateway.receipt(message).await {
                Ok(receipt @ (SmsReceipt::Absent | SmsReceipt::NotSeen)) => seen = receipt,
                Ok(SmsReceipt::Waiting | SmsReceipt::Delivered) => return Ok(()),
                Ok(SmsReceipt::Failed(code)) => return Err(SmsError::Refused(code)),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        message = %message.id,
                        "the receipts of the SMS gateway cannot be read"
                    );
                    seen = SmsReceipt::NotSeen;
                }
            }
        }
        match seen {
            SmsReceipt::Absent => Err(SmsError::Unavailable(open)),
            SmsReceipt::NotSeen | SmsReceipt::Waiting | SmsReceipt::Delivered | SmsReceipt::Failed(_) => {
                Err(SmsError::OutcomeUnknown(open))
            }
        }
    }
}
