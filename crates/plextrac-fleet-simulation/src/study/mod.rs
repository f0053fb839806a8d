//! The runs behind `docs/scale.md`.

mod plans;
mod plot;
mod table;

use std::path::Path;
use std::time::Instant;

use plextrac_fleet_simulation::{Plan, Report, StoreModel, run as simulate};

use plot::Plot;
use table::Table;

/// Tables by the name of their place in the document, and plots by their file names.
pub(crate) struct Study {
    pub(crate) tables: Vec<(&'static str, String)>,
    plots: Vec<(&'static str, String)>,
}

/// Fleets on one engine: clients and machines.
const FLEETS: [(u32, u32); 7] =
    [(10, 1), (100, 10), (1000, 100), (3000, 100), (10_000, 100), (30_000, 300), (100_000, 1000)];
/// Machines with ten clients each, on directories and on one engine.
const MACHINES: [u32; 9] = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/// Runs everything, fleets of up to so many clients.
pub(crate) fn run(most: u32) -> Study {
    let (growth, mut plots) = growth(most);
    let (reach, reach_plots) = reach();
    plots.extend(reach_plots);
    let tables = vec![("growth", growth), ("reach", reach), ("hours", hours(most)), ("mishaps", mishaps())];
    Study { tables, plots }
}

impl Study {
    /// Puts the tables into `scale.md`, and the plots beside it.
    pub(crate) fn write(&self, docs: &Path) -> std::io::Result<()> {
        let page = docs.join("scale.md");
        let mut text = std::fs::read_to_string(&page)?;
        for (name, table) in &self.tables {
            text = table::put(&text, name, table).ok_or_else(|| {
                std::io::Error::other(format!("{} has no place for the table {name}", page.display()))
            })?;
        }
        std::fs::write(&page, text)?;
        std::fs::create_dir_all(docs.join("scale"))?;
        for (name, plot) in &self.plots {
            std::fs::write(docs.join("scale").join(name), plot)?;
        }
        Ok(())
    }
}

/// How an engine's work and the time grow with the fleet.
fn growth(most: u32) -> (String, Vec<(&'static str, String)>) {
    let mut table = Table::new(&[
        "what",
        "clients",
        "machines",
        "all signed in",
        "requests",
        "429",
        "token late by (middle, 99 %)",
        "operations",
        "each",
        "busiest second",
        "longest queue",
        "failed calls",
    ]);
    let series = plans::growth();
    let mut until = Plot::new("Time until all are signed in", "clients", "seconds");
    let mut late =
        Plot::new("From the token's arrival in the store to 99 % of the clients", "clients", "milliseconds");
    let mut each = Plot::new("Operations of the engine for each process and change", "clients", "operations");
    let mut busiest = Plot::new("Operations of the engine in the busiest second", "clients", "operations");
    for (name, plan_of) in &series {
        let mut reports = Vec::new();
        for (clients, machines) in FLEETS.into_iter().filter(|(clients, _)| *clients <= most) {
            let plan = plan_of(clients, machines);
            let report = timed(name, &plan);
            table.row(vec![
                (*name).to_owned(),
                clients.to_string(),
                machines.to_string(),
                table::seconds(report.all_served_ms),
                report.requests().to_string(),
                report.rate_limited.to_string(),
                format!("{} ms, {} ms", report.median_lag_ms, report.lag_99_ms),
                report.operations().to_string(),
                format!("{:.1}", report.operations_per_change(&plan)),
                report.busiest_second.to_string(),
                format!("{} ms", report.longest_queue_ms),
                report.failures.values().sum::<u64>().to_string(),
            ]);
            reports.push((f64::from(clients), plan, report));
        }
        let points = |y: &dyn Fn(&Plan, &Report) -> f64| {
            reports.iter().map(|(x, plan, report)| (*x, y(plan, report))).collect::<Vec<_>>()
        };
        until.line(name, points(&|_, report| report.all_served_ms.unwrap_or(0) as f64 / 1000.0));
        late.line(name, points(&|_, report| report.lag_99_ms as f64));
        each.line(name, points(&|plan, report| report.operations_per_change(plan)));
        busiest.line(name, points(&|_, report| report.busiest_second as f64));
    }
    let plots = vec![
        ("signed-in.svg", until.draw()),
        ("late.svg", late.draw()),
        ("operations.svg", each.draw()),
        ("busiest-second.svg", busiest.draw()),
    ];
    (table.draw(), plots)
}

/// Directories and one engine, by the number of machines.
fn reach() -> (String, Vec<(&'static str, String)>) {
    let mut table = Table::new(&[
        "machines",
        "store",
        "all signed in",
        "clients never served",
        "requests",
        "busiest minute",
        "429",
        "people refused",
        "failed calls",
    ]);
    let mut minute =
        Plot::new("Authentication requests of the fleet in the busiest minute", "machines", "requests");
    let mut until = Plot::new("Time until all are signed in", "machines", "seconds");
    for (name, store) in [("a directory each", StoreModel::Directories), ("one engine", StoreModel::ENGINE)] {
        let (mut minutes, mut times) = (Vec::new(), Vec::new());
        for machines in MACHINES {
            let plan = plans::hour_with_people(10 * machines, machines, store);
            let report = timed(name, &plan);
            table.row(vec![
                machines.to_string(),
                name.to_owned(),
                table::seconds(report.all_served_ms),
                (u64::from(plan.clients) - report.served).to_string(),
                report.requests().to_string(),
                report.busiest_minute.to_string(),
                report.rate_limited.to_string(),
                report.people_refused.to_string(),
                report.failures.values().sum::<u64>().to_string(),
            ]);
            minutes.push((f64::from(machines), report.busiest_minute as f64));
            let is_complete = report.served == u64::from(plan.clients);
            let time = report.all_served_ms.filter(|_| is_complete);
            times.extend(time.map(|ms| (f64::from(machines), ms as f64 / 1000.0)));
        }
        minute.line(name, minutes);
        until.line(name, times);
    }
    (table.draw(), vec![("busiest-minute.svg", minute.draw()), ("machines.svg", until.draw())])
}

/// An hour on one engine.
fn hours(most: u32) -> String {
    let mut table = Table::new(&[
        "clients",
        "machines",
        "requests",
        "busiest minute",
        "operations",
        "a second on average",
        "busiest second",
        "each client and token",
        "longest wait for a refresh",
    ]);
    for (clients, machines) in [(1000, 100), (10_000, 100), (100_000, 1000)] {
        if clients > most {
            continue;
        }
        let plan = plans::hour_with_people(clients, machines, StoreModel::ENGINE);
        let report = timed("an hour", &plan);
        table.row(vec![
            clients.to_string(),
            machines.to_string(),
            report.requests().to_string(),
            report.busiest_minute.to_string(),
            report.operations().to_string(),
            format!("{:.1}", report.operations() as f64 / 3600.0),
            report.busiest_second.to_string(),
            format!("{:.1}", report.operations_per_change(&plan)),
            format!("{} ms", report.longest_later_call_ms),
        ]);
    }
    table.draw()
}

/// What goes wrong, with 1,000 clients on 100 machines and one engine.
fn mishaps() -> String {
    let mut table = Table::new(&[
        "what",
        "last one served after",
        "passwords",
        "codes",
        "refreshes",
        "busiest minute",
        "429",
        "operations of one client, at most",
        "failed calls",
    ]);
    for (name, plan) in plans::mishaps() {
        let report = timed(name, &plan);
        let failures: Vec<String> =
            report.failures.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        table.row(vec![
            name.to_owned(),
            table::seconds(report.all_served_ms),
            report.sign_ins.to_string(),
            report.second_steps.to_string(),
            report.refreshes.to_string(),
            report.busiest_minute.to_string(),
            report.rate_limited.to_string(),
            report.most_of_one_client.to_string(),
            if failures.is_empty() { "0".to_owned() } else { failures.join(", ") },
        ]);
    }
    table.draw()
}

/// Runs a plan, and prints what it took of this machine.
fn timed(name: &str, plan: &Plan) -> Report {
    let begun = Instant::now();
    let report = simulate(plan);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim();
    println!(
        "{name}, {} clients on {} machines: {} steps in {:.1} s; most memory so far: {memory}",
        plan.clients,
        plan.machines,
        report.events,
        begun.elapsed().as_secs_f64(),
    );
    report
}
