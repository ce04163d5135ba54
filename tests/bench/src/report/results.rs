//! The results of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::row::Row;

/// The workloads that compare speeds.
const PLOTTED: &[&str] = &["W1", "W2", "W3", "W4", "W5", "W8", "W9", "W10", "W11", "W12"];

/// All results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// The one of the newest results.
    pub(crate) machine: String,
    /// The server of each cell.
    pub(crate) servers: BTreeMap<String, String>,
    pub(crate) rows: Vec<Row>,
}

impl Report {
    pub(crate) fn new(machine: String) -> Self {
        Self { machine, servers: BTreeMap::new(), rows: Vec::new() }
    }

    /// The machines that something was measured on.
    pub(super) fn machines(&self) -> Vec<&str> {
        let mut machines = Vec::new();
        for row in &self.rows {
            if !machines.contains(&row.machine.as_str()) {
                machines.push(&row.machine);
            }
        }
        machines
    }

    /// The file of each plot, with its rows.
    pub(crate) fn plotted(&self) -> Vec<(String, Vec<&Row>)> {
        let mut plots = Vec::new();
        for workload in PLOTTED {
            let rows = self.rows.iter().filter(|row| row.workload == *workload);
            let rows: Vec<_> = rows.filter(|row| row.compares_programs()).collect();
            if !rows.is_empty() {
                plots.push((format!("{}.svg", workload.to_lowercase()), rows));
            }
        }
        plots
    }
}
