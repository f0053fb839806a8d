#![no_std]
//! In the making.
