"""Running Tunesmith on one machine: the Procfile, its supervisor, readiness, and the doctor's checks."""
