//! Two gateways: the second sends what the first cannot.
//!
//! Always: a message goes to the second only when the first certainly did not send it: it could not be reached, or it
//! serves us no longer. A number it limits stays limited, and what may have been sent is not sent again.
//! Every outcome is counted as `zsq_sms_total{gateway, outcome}`; what an operator must act on is logged as an error.

use std::sync::Arc;

use application::ports::{Sms, SmsError, SmsMessage, SmsReceipt};
use async_trait::async_trait;
use metrics::counter;

/// A gateway with its name.
pub(super) type Named = (&'static str, Arc<dyn Sms>);

/// One gateway or more, in the order they are asked.
pub struct Gateways(Vec<Named>);

impl Gateways {
    /// At least one.
    pub(super) fn new(gateways: Vec<Named>) -> Self {
        Self(gateways)
    }
}

fn note(gateway: &'static str, message: &SmsMessage, outcome: &Result<(), SmsError>) {
    let word = match outcome {
        Ok(()) => "sent",
        Err(SmsError::Unavailable(_)) => "unavailable",
        Err(SmsError::Limited) => "limited",
        Err(SmsError::Refused(_)) => "refused",
        Err(SmsError::Misconfigured(_)) => "misconfigured",
        Err(SmsError::OutcomeUnknown(_)) => "unknown",
    };
    counter!("zsq_sms_total", "gateway" => gateway, "outcome" => word).increment(1);
    match outcome {
        Ok(()) => {}
        Err(error @ SmsError::Misconfigured(_)) => tracing::error!(
            gateway,
            message = %message.id,
            error = error as &dyn std::error::Error,
            "an operator must act: the SMS gateway does not serve us"
        ),
        Err(error) => tracing::warn!(
            gateway,
            message = %message.id,
            error = error as &dyn std::error::Error,
            "a text message was not sent"
        ),
    }
}

#[async_trait]
impl Sms for Gateways {
    async fn send(&self, message: &SmsMessage) -> Result<(), SmsError> {
        let mut outcome = Err(SmsError::Misconfigured("no gateway".to_owned()));
        for (name, gateway) in &self.0 {
            outcome = gateway.send(message).await;
            note(name, message, &outcome);
            match &outcome {
                Err(SmsError::Unavailable(_) | SmsError::Misconfigured(_)) => {}
                Ok(()) | Err(SmsError::Limited | SmsError::Refused(_) | SmsError::OutcomeUnknown(_)) => break,
            }
        }
        outcome
    }

    /// The first gateway that has it tells; it is absent only where every one says so.
    async fn receipt(&self, message: &SmsMessage) -> Result<SmsReceipt, SmsError> {
        let mut seen = SmsReceipt::Absent;
        for (_, gateway) in &self.0 {
            match gateway.receipt(message).await? {
                SmsReceipt::Absent => {}
                SmsReceipt::NotSeen => seen = SmsReceipt::NotSeen,
                known @ (SmsReceipt::Waiting | SmsReceipt::Delivered | SmsReceipt::Failed(_)) => {
                    return Ok(known);
                }
            }
        }
        Ok(seen)
    }
}
