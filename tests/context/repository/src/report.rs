/// A table with columns of equal width.
pub fn table(rows: &[Vec<String>]) -> String {
    let widths = column_widths(rows);
    let mut text = String::new();
    for row in rows {
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(&format!("{cell:<width$} "));
        }
        text.push('\n');
    }
    text
}

fn column_widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    (0..columns).map(|at| rows.iter().filter_map(|row| row.get(at)).map(String::len).max().unwrap_or(0)).collect()
}

/// A bar of a chart.
pub fn bar(share: f64, width: usize) -> String {
    "#".repeat((share * width as f64) as usize)
}
