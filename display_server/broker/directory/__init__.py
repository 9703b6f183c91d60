"""Sign-in with the accounts of an LDAP directory or of Active Directory."""
