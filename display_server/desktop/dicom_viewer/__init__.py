"""The DICOM viewer of the sample studies. It shows what the file asks for, or says why it does not.

It is no medical device: hospitals bring their own viewer. docs/dicom-viewers.md compares it with others.
"""
