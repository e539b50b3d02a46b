//! What is asked of both frameworks: the same commands, by the same people, with the same metadata.
//!
//! New streams: an auditor's query is recorded (`Operation`, one event). Growing streams: the owner of a park lets a
//! person into the back office and takes them out again, in turn (`Park`, one event each of about the same size).
//! No event of it holds personal data: the stock framework could not store it sealed.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use application::execute::Context;
use application::ports::Clock;
use domain::actor::{Actor, Role};
use domain::id::{AccountId, ProviderApplicationId, StaffId};
use domain::operation::{OperationCommand, OperationEvent};
use domain::park::{ParkCommand, ParkEvent, ParkKind};
use domain::profile::Profile;
use uuid::Uuid;

/// The zone's code in the metadata.
pub const ZONE: &str = "sanya";
/// Streams that grow, in each cell.
pub const PARKS: u16 = 1_000;
/// Events of each before its cell begins.
pub const EVENTS: usize = 20;

/// Who records operations.
pub fn auditor(clock: &dyn Clock) -> Actor {
    Actor::Staff { staff: StaffId(clock.new_id()), roles: BTreeSet::from([Role::Auditor]) }
}

/// The command that makes a stream.
pub fn record() -> OperationCommand {
    OperationCommand::Record(OperationEvent::AuditQueried {
        operation: "auditEventList".to_owned(),
        filter: "aggregateType=Park&limit=50".to_owned(),
    })
}

/// A park that grows, as its owner sees it.
#[derive(Debug, Clone)]
pub struct Grown {
    /// Its stream.
    pub id: Uuid,
    /// Who gives the commands.
    pub owner: AccountId,
    /// Who is in the back office besides the owner.
    member: Option<AccountId>,
}

impl Grown {
    /// One that is only named so far.
    pub fn new(clock: &dyn Clock) -> Self {
        Self { id: clock.new_id(), owner: AccountId(clock.new_id()), member: None }
    }

    /// The owner.
    pub fn by(&self) -> Actor {
        Actor::Person { account: self.owner, parks: vec![] }
    }

    /// The next command; it is taken to succeed.
    pub fn command(&mut self, clock: &dyn Clock) -> ParkCommand {
        if let Some(account) = self.member.take() {
            return ParkCommand::RemoveStaff { account };
        }
        let account = AccountId(clock.new_id());
        self.member = Some(account);
        ParkCommand::AddStaff { account: Some(account) }
    }

    /// Its first [`EVENTS`] events.
    pub fn history(&mut self, clock: &dyn Clock) -> Vec<ParkEvent> {
        let mut events = vec![ParkEvent::Established {
            application: ProviderApplicationId(clock.new_id()),
            kind: ParkKind::Park,
            owner: self.owner,
            profile: Box::new(profile()),
        }];
        while events.len() < EVENTS {
            events.push(match self.member.take() {
                Some(account) => ParkEvent::StaffRemoved { account },
                None => ParkEvent::StaffAdded { account: *self.member.insert(AccountId(clock.new_id())) },
            });
        }
        events
    }
}

fn profile() -> Profile {
    let text = |text: &str| Some(text.to_owned());
    Profile {
        name: text("三亚跨境电商产业园"),
        operator_name: text("三亚跨境电商产业园运营有限公司"),
        address: text("海南省三亚市崖州区深海科技城 1 号"),
        positioning: text("跨境电商进出口、保税仓储与直播"),
        introduction: text("园区面向跨境电商企业，提供通关、仓储、物流、结算与培训服务。"),
        ..Profile::default()
    }
}

/// Where a request came from: a trace of its own, this machine.
pub fn context(clock: &dyn Clock) -> Context {
    Context {
        trace_id: clock.new_id().simple().to_string(),
        client_address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        ..Context::default()
    }
}

/// What `App::execute` writes into the metadata, for the framework that is handed it ready.
pub fn metadata(by: &Actor, context: &Context) -> HashMap<String, String> {
    let roles: Vec<&str> = by.roles().into_iter().map(Role::name).collect();
    let mut metadata = HashMap::from([
        ("actor".to_owned(), by.to_string()),
        ("role".to_owned(), roles.join(",")),
        ("correlationId".to_owned(), context.trace_id.clone()),
        ("traceId".to_owned(), context.trace_id.clone()),
        ("zone".to_owned(), ZONE.to_owned()),
    ]);
    if let Some(address) = context.client_address {
        metadata.insert("clientAddress".to_owned(), address.to_string());
    }
    metadata
}

/// Shares `things` out among `callers`, to each their own.
pub fn shared_out<T>(things: Vec<T>, callers: u16) -> Vec<Vec<T>> {
    let callers = usize::from(callers);
    let mut shares: Vec<Vec<T>> = (0..callers).map(|_| Vec::new()).collect();
    for (number, thing) in things.into_iter().enumerate() {
        shares[number % callers].push(thing);
    }
    shares
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use cqrs_es::Aggregate;
    use domain::actor::Issued;
    use domain::aggregate::Decide;
    use domain::park::Park;
    use infrastructure::clock::ManualClock;

    use super::*;

    #[test]
    fn every_command_on_a_growing_park_causes_one_event() {
        let clock = ManualClock::at(DateTime::UNIX_EPOCH);
        let (mut park, mut state) = (Grown::new(&clock), Park::default());
        let history = park.history(&clock);
        assert_eq!(history.len(), EVENTS);
        for event in history {
            state.apply(event);
        }
        for _ in 0..5 {
            let issued = Issued { by: park.by(), at: clock.now(), command: park.command(&clock) };
            let events = state.decide(&issued).unwrap();
            assert_eq!(events.len(), 1);
            for event in events {
                state.apply(event);
            }
        }
    }

    #[test]
    fn everybody_gets_a_share() {
        let shares = shared_out((0..10).collect(), 3);
        assert_eq!(shares, [vec![0, 3, 6, 9], vec![1, 4, 7], vec![2, 5, 8]]);
    }
}
