"""The vocabulary: tables, venues, assets, time. No data library, no clock, no dice."""
