"""What conditions do: a pure engine, fed by ingest for single series and by the alarm leader for everything else."""
