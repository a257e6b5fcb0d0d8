//! Wake-ups that break a rule.
