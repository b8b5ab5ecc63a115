package durable

// SetRules tells the store by which rules topics are durable from now on. When it returns, each topic that the rules of
// before or the new ones do not cover has a new epoch; if the rules have not changed, that costs one read of a small
// file. rules is the text of the rules, and parse returns which topics a text covers; it is also called with the texts
// of earlier starts. SetRules reads and writes the disk. It must not be called by two goroutines at once.
func (s *Store) SetRules(rules string, parse func(rules string) TopicMatcher) error {
	file, anew := rulesFile{s.cfg.Files, s.dir}, s.newEpochs
	s.newEpochs = false
	if served, err := file.read(); err != nil || len(served) == 1 && served[0] == rules {
		return err
	}
	if err := file.add(rules); err != nil {
		return err
	}
	served, err := file.read()
	if err != nil {
		return err
	}
	switch {
	case len(served) > 0:
		err = s.renew(served, parse)
	case !anew: // otherwise the start has done it
		err = s.renewAll()
	}
	if err != nil {
		return err
	}
	return file.write(rules)
}

// renewAll gives every topic a new epoch.
func (s *Store) renewAll() error {
	s.cfg.Logger.Warn("it is not known which topics were durable since the last start: " +
		"all durable topics begin new epochs, so that readers from before are told")
	for _, one := range s.partitions {
		if err := one.reseed(false); err != nil {
			return err
		}
	}
	return nil
}

// renew gives new epochs to the topics that some of these rules do not cover.
func (s *Store) renew(served []string, parse func(rules string) TopicMatcher) error {
	var all []TopicMatcher
	for _, rules := range served {
		all = append(all, parse(rules))
	}
	missed := func(tenant, topic string) bool {
		for _, covers := range all {
			if !covers(tenant, topic) {
				return true
			}
		}
		return false
	}
	count := 0
	for _, one := range s.partitions {
		n, err := one.renew(missed)
		if err != nil {
			return err
		}
		count += n
	}
	s.cfg.Logger.Info("the rules for durable topics have changed; "+
		"topics that are or were kept elsewhere begin new epochs",
		"topics", count)
	return nil
}
