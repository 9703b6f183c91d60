"""Compares what DICOM viewers show on an X screen with what pydicom computes (docs/dicom-viewers.md)."""
