typedef int lintel_trust_empty;
