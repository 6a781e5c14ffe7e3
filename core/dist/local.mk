# parts of core/dist
