//! Who is measured when: rounds over all cells, the contenders in another order each time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cqrs_es::Aggregate;
use domain::operation::Operation;
use domain::park::Park;
use infrastructure::embedded_postgres::{DATABASE, EmbeddedPostgres};

use crate::Options;
use crate::assessment::Computed;
use crate::databases::{self, INSERT, STOCK, Sizes};
use crate::insert::Inserts;
use crate::load::Grown;
use crate::measure::{Figures, Window};
use crate::stock::{self, Stock};
use crate::zsq::{self, Lag, Rebuild, Zsq};

/// Connections are made and statements prepared meanwhile; at 32 callers that is the longest.
const WARM_UP: Duration = Duration::from_millis(300);

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contender {
    /// pgbench.
    Insert,
    /// The stock framework.
    Stock,
    /// zsq.
    Zsq,
}

impl Contender {
    /// All, in the order of the table.
    pub const ALL: [Self; 3] = [Self::Insert, Self::Stock, Self::Zsq];

    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Stock => "stock",
            Self::Zsq => "zsq",
        }
    }

    fn database(self) -> &'static str {
        match self {
            Self::Insert => INSERT,
            Self::Stock => STOCK,
            Self::Zsq => DATABASE,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Workload {
    /// Each command makes a stream.
    New,
    /// Each command adds an event to a stream of 20 and more.
    Growing,
}

impl Workload {
    /// All, in the order of the table.
    pub const ALL: [Self; 2] = [Self::New, Self::Growing];

    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new streams",
            Self::Growing => "growing streams",
        }
    }

    fn aggregate(self) -> &'static str {
        match self {
            Self::New => Operation::TYPE,
            Self::Growing => Park::TYPE,
        }
    }
}

/// Everything that was found out.
#[derive(Debug)]
pub struct Outcome {
    /// The server and its settings.
    pub postgres: String,
    /// Connections of the stock framework and of zsq.
    pub pools: (u32, u32),
    /// Seconds of a cell in one round, and rounds.
    pub measured: (u32, u32),
    /// How many callers there were.
    pub callers: Vec<u16>,
    /// Bytes of the events.
    pub sizes: Vec<(Contender, Workload, Sizes)>,
    /// Every round of every cell; those of the insert are under [`Workload::New`].
    pub rounds: BTreeMap<(Workload, u16, Contender), Vec<Figures>>,
    /// The worst of each of zsq's cells.
    pub lags: BTreeMap<(Workload, u16), Lag>,
    /// The read model.
    pub rebuild: Rebuild,
    /// Rankings.
    pub computed: Vec<Computed>,
}

impl Outcome {
    /// The median of a cell; the insert has the same in both workloads.
    pub fn cell(&self, workload: Workload, callers: u16, contender: Contender) -> Option<Figures> {
        let workload = if contender == Contender::Insert { Workload::New } else { workload };
        self.rounds.get(&(workload, callers, contender)).map(|rounds| Figures::median(rounds))
    }
}

/// Parks of the cells that are still to come.
#[derive(Default)]
struct Seeds {
    stock: Vec<Vec<Grown>>,
    zsq: Vec<Vec<Grown>>,
}

struct Contest<'a> {
    inserts: Inserts<'a>,
    stock: Stock,
    zsq: Zsq,
    seeds: Seeds,
    length: Duration,
    rounds: BTreeMap<(Workload, u16, Contender), Vec<Figures>>,
    lags: BTreeMap<(Workload, u16), Lag>,
    cells: (usize, usize),
}

/// Measures everything.
pub async fn run(options: &Options, postgres: &EmbeddedPostgres) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let access = databases::make(postgres).await?;
    let pools = (options.pool.unwrap_or(stock::POOL_DEFAULT), options.pool.unwrap_or(zsq::POOL_DEFAULT));
    let zsq = Zsq::start(&access, pools.1).await?;
    zsq.record().await?;
    let mut contest = Contest {
        inserts: Inserts::prepare(postgres).await?,
        stock: Stock::connect(postgres, options.pool).await?,
        zsq,
        seeds: Seeds::default(),
        length: Duration::from_secs(options.seconds.into()),
        rounds: BTreeMap::new(),
        lags: BTreeMap::new(),
        cells: (0, 5 * options.callers.len() * usize::try_from(options.rounds)?),
    };
    contest.seed(usize::try_from(options.rounds)? * options.callers.len()).await?;
    databases::settle(postgres).await?;
    eprintln!("bench: ready after {:.1} s", began.elapsed().as_secs_f64());
    for round in 0..options.rounds {
        contest.round(round, &options.callers).await?;
    }
    eprintln!("bench: rebuilding the read model {}", zsq::REBUILT);
    let rebuild = contest.zsq.rebuild().await?;
    eprintln!("bench: computing rankings");
    let computed = contest.zsq.computed().await?;
    contest.zsq.stop().await?;
    let outcome = Outcome {
        postgres: databases::describe(postgres).await?,
        pools,
        measured: (options.seconds, options.rounds),
        callers: options.callers.clone(),
        sizes: sizes(postgres).await?,
        rounds: contest.rounds,
        lags: contest.lags,
        rebuild,
        computed,
    };
    eprintln!("bench: done after {:.0} s", began.elapsed().as_secs_f64());
    Ok(outcome)
}

async fn sizes(postgres: &EmbeddedPostgres) -> anyhow::Result<Vec<(Contender, Workload, Sizes)>> {
    let mut all = Vec::new();
    for contender in Contender::ALL {
        for workload in workloads(contender) {
            let sizes = databases::sizes(postgres, contender.database(), workload.aggregate()).await?;
            all.push((contender, *workload, sizes));
        }
    }
    Ok(all)
}

/// The insert has one figure for both.
fn workloads(contender: Contender) -> &'static [Workload] {
    match contender {
        Contender::Insert => &[Workload::New],
        Contender::Stock | Contender::Zsq => &Workload::ALL,
    }
}

impl Contest<'_> {
    /// Makes the parks of all cells beforehand, so that no cell pays for another's.
    async fn seed(&mut self, cells: usize) -> anyhow::Result<()> {
        eprintln!("bench: making {cells} x {} streams on each side", crate::load::PARKS);
        for _ in 0..cells {
            self.seeds.stock.push(self.stock.parks().await?);
            self.seeds.zsq.push(self.zsq.parks().await?);
        }
        self.zsq.settle().await?;
        Ok(())
    }

    async fn round(&mut self, round: u32, callers: &[u16]) -> anyhow::Result<()> {
        let mut order = Contender::ALL;
        order.rotate_left(usize::try_from(round)? % Contender::ALL.len());
        for callers in callers {
            for contender in order {
                for workload in workloads(contender) {
                    let figures = self.cell(contender, *workload, *callers).await?;
                    self.tell(round, contender, *workload, *callers, figures);
                    self.rounds.entry((*workload, *callers, contender)).or_default().push(figures);
                }
            }
        }
        Ok(())
    }

    async fn cell(
        &mut self,
        contender: Contender,
        workload: Workload,
        callers: u16,
    ) -> anyhow::Result<Figures> {
        let window = Window { warm_up: WARM_UP, length: self.length };
        let figures = match (contender, workload) {
            (Contender::Insert, _) => self.inserts.measure(callers, self.length).await?,
            (Contender::Stock, Workload::New) => self.stock.measure_new(callers, window).await?,
            (Contender::Stock, Workload::Growing) => {
                let parks = self.seeds.stock.pop().unwrap_or_default();
                self.stock.measure_growing(parks, callers, window).await?
            }
            (Contender::Zsq, Workload::New) => self.zsq.measure_new(callers, window).await?,
            (Contender::Zsq, Workload::Growing) => {
                let parks = self.seeds.zsq.pop().unwrap_or_default();
                self.zsq.measure_growing(parks, callers, window).await?
            }
        };
        if contender == Contender::Zsq {
            let lag = self.zsq.settle().await?;
            let worst = self.lags.entry((workload, callers)).or_default();
            worst.oldest_ms = worst.oldest_ms.max(lag.oldest_ms);
            worst.settled_ms = worst.settled_ms.max(lag.settled_ms);
        }
        Ok(figures)
    }

    fn tell(&mut self, round: u32, contender: Contender, workload: Workload, callers: u16, figures: Figures) {
        self.cells.0 += 1;
        eprintln!(
            "bench: {:>2}/{} round {} · {callers:>2} callers · {:<6} · {:<15} {:>9.0}/s",
            self.cells.0,
            self.cells.1,
            round + 1,
            contender.name(),
            workload.name(),
            figures.per_second,
        );
    }
}
