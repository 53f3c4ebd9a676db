pub mod country;
pub mod report;
pub mod stock;
pub mod tax;
