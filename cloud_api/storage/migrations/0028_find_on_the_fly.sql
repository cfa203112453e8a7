-- Every list of latest samples asks for them; mostly there are few or none.
create index series_on_the_fly on series (path collate "C") where calculation = 'on_the_fly';
